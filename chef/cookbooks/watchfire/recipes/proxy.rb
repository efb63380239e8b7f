# frozen_string_literal: true

# HAProxy before the services: TLS, health checks, WebSockets, the client's address passed on, drained when stopped.
directory '/etc/systemd/system/haproxy.service.d' do
  mode '0755'
end

# There before the package starts it.
file '/etc/systemd/system/haproxy.service.d/watchfire.conf' do
  content <<~TEXT
    # Written by Chef: two files a connection; connections under way end by themselves, or after hard-stop-after.
    [Service]
    LimitNOFILE=65536
    KillSignal=SIGUSR1
    TimeoutStopSec=#{node['watchfire']['proxy']['drain'] + 5}
  TEXT
  mode '0644'
  notifies :run, 'execute[daemon-reload for haproxy]', :immediately
  notifies :restart, 'service[haproxy]', :delayed
end

execute 'daemon-reload for haproxy' do
  command %w(systemctl daemon-reload)
  action :nothing
end

package 'haproxy'

tls = watchfire_secrets['tls']
if tls
  file '/etc/haproxy/watchfire.pem' do
    content tls
    owner 'root'
    group 'haproxy'
    mode '0640'
    sensitive true
    notifies :reload, 'service[haproxy]', :delayed
  end
else
  # Until there is one of an authority's: browsers warn of it.
  openssl_x509_certificate '/etc/haproxy/own.crt' do
    common_name watchfire_address
    key_file '/etc/haproxy/own.key'
    expire 365
    mode '0640'
    action :create
  end

  file '/etc/haproxy/watchfire.pem' do
    content(lazy { ::File.read('/etc/haproxy/own.crt') + ::File.read('/etc/haproxy/own.key') })
    owner 'root'
    group 'haproxy'
    mode '0640'
    sensitive true
    notifies :reload, 'service[haproxy]', :delayed
  end
end

template '/etc/haproxy/haproxy.cfg' do
  source 'haproxy.cfg.erb'
  mode '0644'
  variables(
    collectors: watchfire_addresses('collector'),
    realtimes: watchfire_addresses('realtime'),
    webs: watchfire_addresses('web'),
    ports: Watchfire::Cluster::PORTS,
    connections: node['watchfire']['proxy']['connections'],
    drain: node['watchfire']['proxy']['drain']
  )
  verify 'haproxy -c -f %{path}'
  notifies :reload, 'service[haproxy]', :delayed
end

service 'haproxy' do
  action %i(enable start)
end
