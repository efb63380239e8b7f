# frozen_string_literal: true

# Everything that this host's roles ask for, servers before services before the proxy.
include_recipe 'watchfire::base'
order = %w(rabbitmq redis mongodb embedded collector processor realtime web proxy observe)
unknown = watchfire_roles - order
raise "#{node.name} has roles that there are not: #{unknown.join(', ')}" unless unknown.empty?

order.each { |role| include_recipe "watchfire::#{role}" if watchfire_roles.include?(role) }
