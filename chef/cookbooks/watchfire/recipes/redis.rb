# frozen_string_literal: true

package 'redis-server'

template '/etc/redis/users.acl' do
  source 'users.acl.erb'
  owner 'redis'
  group 'redis'
  mode '0640'
  sensitive true
  variables(
    installation: node['watchfire']['installation'],
    password: Digest::SHA256.hexdigest(watchfire_secret('redis_password'))
  )
  notifies :restart, 'service[redis-server]', :delayed
end

template '/etc/redis/redis.conf' do
  source 'redis.conf.erb'
  owner 'redis'
  group 'redis'
  mode '0640'
  variables(address: watchfire_address, maxmemory: node['watchfire']['redis']['maxmemory'])
  notifies :restart, 'service[redis-server]', :delayed
end

service 'redis-server' do
  action %i(enable start)
end
