# frozen_string_literal: true

# Prometheus over every host. It listens on this host alone: reach it by SSH.
package %w(prometheus prometheus-node-exporter)

targets = node['watchfire']['hosts'].flat_map do |name, host|
  ports = Watchfire::Cluster::METRICS.slice(*host['roles'])
  ports.map { |role, port| { 'targets' => ["#{host['address']}:#{port}"], 'labels' => { 'host' => name, 'role' => role } } }
end

file '/etc/prometheus/watchfire.json' do
  content "#{JSON.pretty_generate(targets)}\n"
  mode '0644'
end

cookbook_file '/etc/prometheus/watchfire.rules.yml' do
  source 'watchfire.rules.yml'
  mode '0644'
  verify 'promtool check rules %{path}'
  notifies :restart, 'service[prometheus]', :delayed
end

template '/etc/prometheus/prometheus.yml' do
  source 'prometheus.yml.erb'
  mode '0644'
  notifies :restart, 'service[prometheus]', :delayed
end

file '/etc/default/prometheus' do
  content "# Written by Chef.\nARGS=\"--web.listen-address=127.0.0.1:9090\"\n"
  mode '0644'
  notifies :restart, 'service[prometheus]', :delayed
end

service 'prometheus' do
  action %i(enable start)
end
