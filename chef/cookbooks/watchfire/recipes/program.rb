# frozen_string_literal: true

# The program, its settings and its secrets, for the services of a cluster.
watchfire_package node['watchfire']['package']['source'] do
  sha256 node['watchfire']['package']['sha256']
end

template '/etc/watchfire/cluster.toml' do
  source 'settings.toml.erb'
  mode '0644'
  variables(settings: watchfire_settings(embedded: false))
end

watchfire_uris.each do |name, uri|
  file "/etc/watchfire/secrets/#{name}" do
    content "#{uri}\n"
    owner 'root'
    group 'root'
    mode '0600'
    sensitive true
  end
end
