# frozen_string_literal: true

# What recipes are written in: node, declaring resources, guards' shell commands. No resource is known here.

require 'json'
require 'open3'

module Chef
  # As libraries of the cookbook extend it.
  module DSL
    module Recipe
    end
  end

  Config = { file_cache_path: '/var/cache/chef' }.freeze # rubocop:disable Naming/ConstantName

  module Exceptions
    class ChecksumMismatch < RuntimeError; end
    class ValidationFailed < ArgumentError; end
  end
end

module Runner
  # A value that is asked for when the resource acts.
  Lazy = Struct.new(:block)

  # Attributes: the cookbook's defaults under those of the JSON.
  class Node
    attr_reader :name

    def initialize(name, json)
      @name = name
      @defaults = Hash.new { |hash, key| hash[key] = Hash.new(&hash.default_proc) }
      @json = json
    end

    def load_defaults(file)
      instance_eval(File.read(file), file)
    end

    def default
      @defaults
    end

    def [](key)
      merged[key]
    end

    private

    def merged
      @merged ||= merge(plain(@defaults), @json).freeze
    end

    def plain(value)
      value.is_a?(Hash) ? value.transform_values { |inner| plain(inner) } : value
    end

    def merge(under, over)
      under.merge(over) { |_, low, high| low.is_a?(Hash) && high.is_a?(Hash) ? merge(low, high) : high }
    end
  end

  # How a shell command ended.
  Ended = Struct.new(:stdout, :stderr, :exitstatus)

  # What may be said in recipes and in actions of custom resources.
  module Words
    include Chef::DSL::Recipe

    attr_reader :run, :collection

    def node
      run.node
    end

    def include_recipe(name)
      run.include_recipe(name)
    end

    def lazy(&block)
      Lazy.new(block)
    end

    def data_bag_item(bag, item)
      JSON.parse(File.read(File.join(run.repo, 'data_bags', bag, "#{item}.json")))
    end

    def shell_out(*command)
      out, err, status = Open3.capture3(*command)
      Ended.new(out, err, status.exitstatus)
    end

    def shell_out!(*command)
      ended = shell_out(*command)
      raise "#{command.first} ended with #{ended.exitstatus}: #{ended.stderr.strip}" unless ended.exitstatus.zero?

      ended
    end

    def respond_to_missing?(name, all = false)
      Resource.types.key?(name) || super
    end

    # `file '/x' do … end` declares one.
    def method_missing(name, *arguments, &block)
      type = Resource.types[name]
      return super unless type

      resource = type.new(run, arguments.first || name.to_s)
      resource.enclosing = self if is_a?(ActionContext)
      resource.instance_exec(&block) if block
      resource.validate!
      declare(resource)
    end
  end

  # A recipe: what it declares is converged once all recipes were read.
  class RecipeContext
    include Words

    def initialize(run, collection)
      @run = run
      @collection = collection
    end

    def declare(resource)
      @collection << resource
      resource
    end
  end
end
