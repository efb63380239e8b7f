# frozen_string_literal: true

include_recipe 'watchfire::program'

watchfire_service 'collector' do
  address watchfire_address
  memory_max node['watchfire']['memory_max']['collector']
end

service 'watchfire@collector.service after its settings' do
  service_name 'watchfire@collector.service'
  action :nothing
  subscribes :restart, 'template[/etc/watchfire/cluster.toml]', :delayed
  watchfire_uris.each_key { |name| subscribes :restart, "file[/etc/watchfire/secrets/#{name}]", :delayed }
end
