# frozen_string_literal: true

require 'digest'
require 'erb'
require 'json'

module Watchfire
  # What recipes know of the installation: its hosts, their addresses, its secrets. Reads attributes, changes nothing.
  module Cluster
    SERVICES = %w(collector processor realtime web).freeze
    # Of each service's door, and of its metrics.
    PORTS = { 'collector' => 8101, 'processor' => 8102, 'realtime' => 8103, 'web' => 8104 }.freeze
    METRICS = { 'embedded' => 8081, 'collector' => 9101, 'processor' => 9102, 'realtime' => 9103, 'web' => 9104 }.freeze

    def watchfire_host
      node['watchfire']['hosts'].fetch(node.name) do
        raise "node['watchfire']['hosts'] has no #{node.name}: it names every host by its node name"
      end
    end

    def watchfire_address
      watchfire_host.fetch('address')
    end

    def watchfire_roles
      watchfire_host.fetch('roles')
    end

    # Addresses of the hosts that run any of these roles.
    def watchfire_addresses(*roles)
      hosts = node['watchfire']['hosts'].values
      hosts.select { |host| host['roles'].any? { |role| roles.include?(role) } }.map { |host| host['address'] }.sort.uniq
    end

    def watchfire_all_addresses
      node['watchfire']['hosts'].values.map { |host| host['address'] }.sort
    end

    def watchfire_secrets
      file = node['watchfire']['secrets_file']
      return JSON.parse(::File.read(file)) if ::File.exist?(file)

      data_bag_item('watchfire', 'secrets')
    end

    def watchfire_secret(name)
      watchfire_secrets[name] or raise "there is no secret #{name} in #{node['watchfire']['secrets_file']} or the data bag"
    end

    # The addresses of the three servers, with their passwords.
    def watchfire_uris
      user = ->(secret) { "watchfire:#{ERB::Util.url_encode(watchfire_secret(secret))}@" }
      {
        'bus' => "amqp://#{user['rabbitmq_password']}#{watchfire_addresses('rabbitmq').join(',')}/watchfire",
        'live' => "redis://#{user['redis_password']}#{watchfire_addresses('redis').first}:6379/0",
        'store' => watchfire_mongodb_uri(user),
      }
    end

    def watchfire_mongodb_uri(user)
      node['watchfire']['mongodb']['uri'] ||
        "mongodb://#{user['mongodb_password']}#{watchfire_addresses('mongodb').join(',')}" \
        '/watchfire?replicaSet=watchfire&authSource=watchfire'
    end

    # The settings that stand in /etc/watchfire/*.toml.
    def watchfire_settings(embedded:)
      settings = { 'public-url' => node['watchfire']['public_url'] }
      settings['trusted-proxies'] = embedded ? ['127.0.0.1'] : watchfire_addresses('proxy')
      settings.merge!('shards' => node['watchfire']['shards'], 'installation' => node['watchfire']['installation']) unless embedded
      settings['public-status'] = true if node['watchfire']['public_status']
      settings.merge(node['watchfire']['settings']).compact
    end

    # Which ports of this host are open to whom: [[port, addresses or nil for anybody], …].
    def watchfire_doors
      roles = watchfire_roles
      doors = SERVICES.select { |role| roles.include?(role) && role != 'processor' }
                      .map { |role| [PORTS[role], watchfire_addresses('proxy')] }
      scraped = [9100] + METRICS.select { |role, _| roles.include?(role) }.values
      doors += scraped.map { |port| [port, watchfire_addresses('observe')] }
      doors += [80, 443].map { |port| [port, nil] } if roles.include?('proxy') || roles.include?('embedded')
      doors + watchfire_server_doors(roles)
    end

    def watchfire_server_doors(roles)
      services = watchfire_addresses(*SERVICES)
      doors = []
      doors << [6379, services] if roles.include?('redis')
      doors << [27_017, services | watchfire_addresses('mongodb')] if roles.include?('mongodb')
      if roles.include?('rabbitmq')
        doors << [5672, services]
        doors += [4369, 25_672].map { |port| [port, watchfire_addresses('rabbitmq')] }
      end
      doors
    end
  end
end

# In recipes and actions, and in the blocks of resources.
Chef::DSL::Recipe.include(Watchfire::Cluster)
Chef::Resource.include(Watchfire::Cluster)
