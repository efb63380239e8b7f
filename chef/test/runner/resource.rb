# frozen_string_literal: true

# What all resources have: properties, guards, notifications, and that they act only where something differs.

module Runner
  class Resource
    # Every resource by the name it is declared by.
    TYPES = {} # rubocop:disable Style/MutableConstant
    # A property that was not given.
    UNSET = Object.new

    class << self
      def types
        TYPES
      end

      def provides(name)
        @resource_name = name
        types[name] = self
      end

      attr_reader :resource_name

      def properties
        inherited = superclass.respond_to?(:properties) ? superclass.properties : {}
        inherited.merge(@properties ||= {})
      end

      def property(name, type = Object, **options)
        (@properties ||= {})[name] = options.merge(type: type)
        define_method(name) { |value = UNSET| value.equal?(UNSET) ? read(name) : write(name, value) }
      end

      def actions
        @actions ||= {}
      end

      def default_action(name = nil)
        name ? @default_action = name : @default_action
      end
    end

    property :sensitive, [true, false], default: false
    property :ignore_failure, [true, false], default: false
    property :retries, Integer, default: 0

    # The action that declared it: what is unknown here is asked of it, as in Chef.
    attr_accessor :enclosing
    attr_reader :name, :run, :notifications, :subscriptions, :reasons

    def initialize(run, name)
      @run = run
      @name = name
      @values = {}
      @guards = []
      @notifications = []
      @subscriptions = []
      @reasons = []
      @action = nil
    end

    def to_s
      "#{self.class.resource_name}[#{name.is_a?(Array) ? name.join(', ') : name}]"
    end

    def node
      run.node
    end

    def inspect
      to_s
    end

    def data_bag_item(bag, item)
      JSON.parse(File.read(File.join(run.repo, 'data_bags', bag, "#{item}.json")))
    end

    def respond_to_missing?(name, all = false)
      enclosing.respond_to?(name, true) || super
    end

    def method_missing(name, ...)
      enclosing.respond_to?(name, true) ? enclosing.send(name, ...) : super
    end

    def custom?
      false
    end

    def action(*names)
      @action = names.flatten
    end

    def actions
      @action || [self.class.default_action]
    end

    def lazy(&block)
      Lazy.new(block)
    end

    def not_if(command = nil, &block)
      @guards << -> { !holds?(command, block) }
    end

    def only_if(command = nil, &block)
      @guards << -> { holds?(command, block) }
    end

    def wanted?
      @guards.all?(&:call)
    end

    def notifies(action, target, timing = :delayed)
      @notifications << [action, target, timing]
    end

    def subscribes(action, target, timing = :delayed)
      @subscriptions << [action, target, timing]
    end

    def given?(name)
      @values.key?(name)
    end

    def validate!
      self.class.properties.each do |name, options|
        check!(name, @name) if options[:name_property] && !given?(name)
        next unless options[:required] == true && !given?(name)

        raise Chef::Exceptions::ValidationFailed, "#{self}: #{name} is required"
      end
    end

    # What is there now; before every action.
    def current!
      @reasons = []
    end

    # True where something was changed.
    def perform(action)
      attempts = 0
      begin
        send("action_#{action}")
      rescue StandardError
        raise if (attempts += 1) > retries

        sleep 2
        retry
      end
    end

    private

    def holds?(command, block)
      return block.call if block

      system(*command, out: File::NULL, err: File::NULL) || false
    end

    def read(name)
      options = self.class.properties[name]
      value = @values.fetch(name) { options[:name_property] ? @name : options[:default] }
      value.is_a?(Lazy) ? instance_exec(&value.block) : value
    end

    def write(name, value)
      check!(name, value) unless value.is_a?(Lazy) || value.nil?
      @values[name] = value unless value.nil?
      value
    end

    def check!(name, value)
      options = self.class.properties[name]
      # `===` takes classes and plain values alike, as [true, false].
      fits = Array(options[:type]).any? { |type| type === value } # rubocop:disable Style/CaseEquality
      fits &&= options[:equal_to].include?(value) if options[:equal_to]
      fits &&= options[:regex].match?(value) if options[:regex]
      raise Chef::Exceptions::ValidationFailed, "#{self}: #{name} cannot be #{value.inspect}" unless fits
    end

    # Runs the block as this change, and tells it.
    def change(reason)
      @reasons << reason
      yield
      true
    end

    def sh(*command, **options)
      out, status = Open3.capture2e(*command, **options)
      raise "`#{command.join(' ')}` ended with #{status.exitstatus}: #{out.strip}" unless status.success?

      out
    end

    def sh?(*command)
      Open3.capture2e(*command).last.success?
    end
  end
end

module Chef
  Resource = Runner::Resource
end
