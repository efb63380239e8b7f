# frozen_string_literal: true

# Makes a bare host ready: user, limits, kernel, clock, firewall, rotation of logs, and a check that tells what differs.
apt_update 'once a day' do
  frequency 86_400
  action :periodic
end

package %w(nftables logrotate systemd-timesyncd procps)

group 'watchfire' do
  system true
end

user 'watchfire' do
  gid 'watchfire'
  home '/var/lib/watchfire'
  shell '/usr/sbin/nologin'
  system true
end

directory '/etc/watchfire' do
  mode '0755'
end

directory '/etc/watchfire/secrets' do
  owner 'root'
  group 'root'
  mode '0700'
end

template '/etc/security/limits.d/90-watchfire.conf' do
  source 'limits.conf.erb'
  mode '0644'
  variables(limits: node['watchfire']['limits'])
end

node['watchfire']['sysctl'].each do |key, value|
  sysctl key do
    value value.to_s
    # In a container some of them are the kernel's of the machine around it.
    only_if { ::File.writable?("/proc/sys/#{key.tr('.', '/')}") }
  end
end

# Databases stall where the kernel gathers their pages into huge ones.
systemd_unit 'watchfire-huge-pages.service' do
  content(
    Unit: {
      Description: 'No transparent huge pages: databases stall by them',
      ConditionPathIsReadWrite: '/sys/kernel/mm/transparent_hugepage',
      Before: 'redis-server.service mongod.service',
    },
    Service: {
      Type: 'oneshot',
      RemainAfterExit: 'yes',
      ExecStart: "/bin/sh -c 'echo never > /sys/kernel/mm/transparent_hugepage/enabled'",
    },
    Install: { WantedBy: 'multi-user.target' }
  )
  action %i(create enable)
end

service 'watchfire-huge-pages' do
  action :start
  only_if { ::File.writable?('/sys/kernel/mm/transparent_hugepage/enabled') }
end

service 'systemd-timesyncd' do
  action :enable
end

# A container has the clock of the machine around it.
service 'systemd-timesyncd outside of containers' do
  service_name 'systemd-timesyncd'
  action :start
  not_if { ::File.exist?('/run/systemd/container') }
end

template '/etc/nftables.conf' do
  source 'nftables.conf.erb'
  mode '0600'
  variables(
    doors: watchfire_doors,
    ssh_from: node['watchfire']['firewall']['ssh_from']
  )
  verify 'nft -c -f %{path}'
  only_if { node['watchfire']['firewall']['enabled'] }
  notifies :reload, 'service[nftables]', :immediately
end

service 'nftables' do
  action node['watchfire']['firewall']['enabled'] ? %i(enable start) : :nothing
end

template '/etc/logrotate.d/watchfire-hosts' do
  source 'logrotate.erb'
  mode '0644'
end

directory '/etc/systemd/journald.conf.d' do
  mode '0755'
end

file '/etc/systemd/journald.conf.d/watchfire.conf' do
  content "# Written by Chef.\n[Journal]\nSystemMaxUse=1G\nMaxRetentionSec=1month\n"
  mode '0644'
  notifies :restart, 'service[systemd-journald]', :delayed
end

service 'systemd-journald' do
  action :nothing
end

# `watchfire-host` says line by line what is wanted and what is there, and fails where they differ.
template '/usr/local/sbin/watchfire-host' do
  source 'watchfire-host.erb'
  mode '0755'
  variables(
    sysctl: node['watchfire']['sysctl'],
    limits: node['watchfire']['limits'],
    firewall: node['watchfire']['firewall']['enabled']
  )
end
