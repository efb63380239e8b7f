# frozen_string_literal: true

stand_in = node['watchfire']['mongodb']['command']

if stand_in
  # Another program in its place, for tests.
  directory '/var/lib/mongodb' do
    mode '0700'
  end

  systemd_unit 'mongod.service' do
    content(
      Unit: { Description: 'In place of MongoDB' },
      Service: { ExecStart: format(stand_in, address: watchfire_address), Restart: 'always', LimitNOFILE: '64000' },
      Install: { WantedBy: 'multi-user.target' }
    )
    action %i(create enable start)
  end

  return
end

key = "#{Chef::Config[:file_cache_path]}/mongodb.asc"
remote_file key do
  source node['watchfire']['mongodb']['key']
  checksum node['watchfire']['mongodb']['key_sha256'] || raise("node['watchfire']['mongodb']['key_sha256'] says which key is trusted")
end

apt_repository 'mongodb' do
  uri node['watchfire']['mongodb']['repository']
  distribution "bookworm/mongodb-org/#{node['watchfire']['mongodb']['version'][/\A\d+\.\d+/]}"
  components %w(main)
  key "file://#{key}"
end

%w(mongodb-org-server mongodb-mongosh).each do |name|
  package name do
    version node['watchfire']['mongodb']['version'] if name == 'mongodb-org-server'
  end
end

file '/etc/mongod.key' do
  content watchfire_secret('mongodb_key')
  owner 'mongodb'
  group 'mongodb'
  mode '0400'
  sensitive true
  notifies :restart, 'service[mongod]', :delayed
end

template '/etc/mongod.conf' do
  source 'mongod.conf.erb'
  mode '0644'
  variables(address: watchfire_address)
  notifies :restart, 'service[mongod]', :immediately
end

service 'mongod' do
  action %i(enable start)
end

# The first host makes the replica set of all and the user, by the localhost exception of a new database; once.
members = watchfire_addresses('mongodb')
template '/etc/mongod.setup.js' do
  source 'mongod.setup.js.erb'
  mode '0600'
  sensitive true
  variables(members: members, password: watchfire_secret('mongodb_password'))
  only_if { watchfire_address == members.first }
end

execute 'the replica set and its user' do
  command %w(mongosh --quiet --file /etc/mongod.setup.js)
  only_if { watchfire_address == members.first }
  not_if { ::File.exist?('/var/lib/mongodb/.watchfire-set-up') }
end

file '/var/lib/mongodb/.watchfire-set-up' do
  content "The replica set was made by Chef.\n"
  only_if { watchfire_address == members.first }
end
