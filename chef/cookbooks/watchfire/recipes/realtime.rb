# frozen_string_literal: true

include_recipe 'watchfire::program'

watchfire_service 'realtime' do
  address watchfire_address
  memory_max node['watchfire']['memory_max']['realtime']
end

service 'watchfire@realtime.service after its settings' do
  service_name 'watchfire@realtime.service'
  action :nothing
  subscribes :restart, 'template[/etc/watchfire/cluster.toml]', :delayed
  watchfire_uris.each_key { |name| subscribes :restart, "file[/etc/watchfire/secrets/#{name}]", :delayed }
end
