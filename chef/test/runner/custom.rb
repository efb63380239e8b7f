# frozen_string_literal: true

# Custom resources from a cookbook's `resources/*.rb`: properties, load_current_value, actions in unified mode.

module Runner
  # One custom resource's file becomes a class.
  class Custom < Resource
    # Raised by load_current_value: there is nothing yet.
    class Nothing < StandardError; end

    class << self
      def load(file)
        type = Class.new(Custom)
        type.class_eval(File.read(file), file)
        raise "#{file} provides nothing" unless type.resource_name
        raise "#{file}: only unified mode is known here" unless type.unified?
      end

      def unified_mode(fact)
        @unified = fact
      end

      def unified?
        @unified
      end

      def description(_text); end

      def action(name, &block)
        actions[name] = block
      end

      def load_current_value(&block)
        block ? @load_current_value = block : @load_current_value
      end

      def action_class(&block)
        block ? @action_class = block : @action_class
      end
    end

    include Words

    attr_reader :current_resource

    def custom?
      true
    end

    def current!
      super
      loads = self.class.load_current_value
      return unless loads

      @current_resource = self.class.new(run, name)
      @current_resource.instance_exec(self, &loads)
    rescue Nothing
      @current_resource = nil
    end

    def current_value_does_not_exist!
      raise Nothing
    end

    def perform(action)
      block = self.class.actions.fetch(action) { raise "#{self} has no action #{action}" }
      context = ActionContext.new(run, self)
      context.singleton_class.class_eval(&self.class.action_class) if self.class.action_class
      context.instance_exec(&block)
      @reasons = context.reasons
      context.changed?
    end
  end

  # Inside an action: what is declared acts at once.
  class ActionContext
    include Words

    attr_reader :new_resource, :reasons

    def initialize(run, resource)
      @run = run
      @new_resource = resource
      @collection = []
      @changed = false
      @reasons = []
    end

    def current_resource
      new_resource.current_resource
    end

    def changed?
      @changed
    end

    # In unified mode a resource acts where it stands; whom it tells was declared before it.
    def declare(resource)
      @collection << resource
      @changed = true if run.act(resource, within: @collection)
      resource
    end

    def converge_if_changed(*names)
      current = current_resource
      differing = names.reject { |name| current && current.send(name) == new_resource.send(name) }
      return if differing.empty?

      @reasons.concat(differing.map { |name| "#{name} differs" })
      yield
      @changed = true
    end

    def converge_by(reason)
      @reasons << reason
      yield
      @changed = true
    end
  end
end
