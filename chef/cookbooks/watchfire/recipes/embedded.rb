# frozen_string_literal: true

# Everything in one process on one host.
watchfire_package node['watchfire']['package']['source'] do
  sha256 node['watchfire']['package']['sha256']
  embedded true
end

template '/etc/watchfire/watchfire.toml' do
  source 'settings.toml.erb'
  mode '0644'
  variables(settings: watchfire_settings(embedded: true))
  notifies :restart, 'service[watchfire.service]', :delayed
end

service 'watchfire.socket' do
  action %i(enable start)
end

service 'watchfire.service' do
  action %i(enable start)
end
