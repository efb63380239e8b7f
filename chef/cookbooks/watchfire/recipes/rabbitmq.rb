# frozen_string_literal: true

# All is there before the package starts its first node: it takes its name, and its cookie, once.
group 'rabbitmq' do
  system true
end

user 'rabbitmq' do
  gid 'rabbitmq'
  home '/var/lib/rabbitmq'
  shell '/usr/sbin/nologin'
  system true
end

directory '/etc/rabbitmq' do
  mode '0755'
end

directory '/var/lib/rabbitmq' do
  owner 'rabbitmq'
  group 'rabbitmq'
  mode '0750'
end

# Nodes are named by their address: they need no names to find each other.
template '/etc/rabbitmq/rabbitmq-env.conf' do
  source 'rabbitmq-env.conf.erb'
  mode '0644'
  variables(address: watchfire_address)
  notifies :restart, 'service[rabbitmq-server]', :delayed
end

template '/etc/rabbitmq/rabbitmq.conf' do
  source 'rabbitmq.conf.erb'
  mode '0644'
  variables(
    address: watchfire_address,
    peers: watchfire_addresses('rabbitmq'),
    settings: node['watchfire']['rabbitmq']
  )
  notifies :restart, 'service[rabbitmq-server]', :delayed
end

file '/var/lib/rabbitmq/.erlang.cookie' do
  content watchfire_secret('erlang_cookie')
  owner 'rabbitmq'
  group 'rabbitmq'
  mode '0400'
  sensitive true
  notifies :restart, 'service[rabbitmq-server]', :delayed
end

package 'rabbitmq-server'

service 'rabbitmq-server' do
  action %i(enable start)
end

installation = Regexp.escape(node['watchfire']['installation'])
watchfire_rabbitmq_user 'watchfire' do
  password watchfire_secret('rabbitmq_password')
  vhost 'watchfire'
  permissions ["^#{installation}\\.", "^(amq\\.default|#{installation}\\..*)$", "^#{installation}\\."]
end
