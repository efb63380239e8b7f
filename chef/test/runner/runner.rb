# frozen_string_literal: true

# Converges the cookbook on this host where no Chef client can be had: the part of Chef's DSL that the cookbook uses, with
# Chef's meaning. Recipes are compiled first and converged then; a resource acts only where something differs, and says so;
# guards, notifications at once or at the end, custom resources with unified mode. Never takes the place of Chef itself.
#
#   ruby runner.rb --repo DIR --json FILE --name NODE
# The last line is `N of M resources updated`.

require_relative 'dsl'
require_relative 'resource'
require_relative 'resources'
require_relative 'custom'

module Runner
  # One run on one node.
  class Run
    attr_reader :node, :repo, :updated, :total

    def initialize(repo, json, name)
      @repo = repo
      @node = Node.new(name, JSON.parse(File.read(json)))
      @collection = []
      @delayed = []
      @included = []
      @updated = 0
      @total = 0
    end

    def cookbook
      File.join(@repo, 'cookbooks/watchfire')
    end

    def converge(recipes)
      load_cookbook
      recipes.each { |recipe| include_recipe(recipe) }
      problem = nil
      begin
        index = 0
        while index < @collection.size
          act(@collection[index])
          index += 1
        end
      rescue StandardError => e
        problem = e
      end
      run_delayed
      raise problem if problem

      puts "#{@updated} of #{@total} resources updated"
    end

    def load_cookbook
      @node.load_defaults(File.join(cookbook, 'attributes/default.rb'))
      Dir[File.join(cookbook, 'libraries/*.rb')].sort.each { |file| require file }
      Dir[File.join(cookbook, 'resources/*.rb')].sort.each { |file| Custom.load(file) }
    end

    # Recipes are compiled once, where they are first named.
    def include_recipe(name)
      recipe = name.split('::')[1] || 'default'
      return if @included.include?(recipe)

      @included << recipe
      file = File.join(cookbook, "recipes/#{recipe}.rb")
      context = RecipeContext.new(self, @collection)
      # `return` ends a recipe in Chef too.
      context.instance_eval("lambda do\n#{File.read(file)}\nend.call", file, 0)
    end

    # Every action of a resource, and what follows from it. True where it changed something.
    def act(resource, actions = resource.actions, within: @collection)
      subscribe(resource, within)
      actions.map { |action| act_once(resource, action, within) }.any?
    end

    def act_once(resource, action, within)
      return false if action == :nothing

      @total += 1
      return false unless resource.wanted?

      resource.current!
      changed = resource.perform(action)
      return false unless changed

      @updated += 1 unless resource.custom?
      puts "  #{resource} #{action}#{": #{resource.reasons.join(', ')}" unless resource.reasons.empty? || resource.sensitive}"
      resource.notifications.each { |notification| notify(notification, within) }
      true
    rescue StandardError => e
      return false if resource.ignore_failure

      raise e.class, "#{resource} #{action}: #{e.message}"
    end

    # `subscribes` of resources that were declared, turned around.
    def subscribe(resource, within)
      all = (within + @collection).uniq
      all.each do |other|
        other.subscriptions.each do |action, target, timing|
          next unless target == resource.to_s

          notification = [action, other.to_s, timing]
          resource.notifications << notification unless resource.notifications.include?(notification)
        end
      end
    end

    def notify((action, target, timing), within)
      resource = (within + @collection).find { |other| other.to_s == target }
      raise "nothing is called #{target}, which is to be told" unless resource

      if timing.to_s.start_with?('immediate')
        act(resource, [action], within: within)
      else
        @delayed << [resource, action, within] unless @delayed.any? { |told, how,| told.to_s == resource.to_s && how == action }
      end
    end

    def run_delayed
      while (resource, action, within = @delayed.shift)
        act(resource, [action], within: within)
      end
    end
  end
end

if $PROGRAM_NAME == __FILE__
  $stdout.sync = true
  options = ARGV.each_slice(2).to_h
  begin
    Runner::Run.new(options['--repo'], options['--json'], options['--name']).converge(%w(watchfire::default))
  rescue StandardError => e
    warn "FAILED  #{e.class}: #{e.message}"
    warn e.backtrace.grep(/recipes|resources|runner/).first(5) if ENV['TRACE']
    exit 1
  end
end
