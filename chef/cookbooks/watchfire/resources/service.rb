# frozen_string_literal: true

# One service of a cluster on this host: its settings, the address of its door, started.
unified_mode true
provides :watchfire_service
description 'One service of a Watchfire cluster: collector, processor, realtime or web'

property :role, String, name_property: true, equal_to: %w(collector processor realtime web)
property :address, String, required: true, description: 'The address of its door and of its metrics: a private one'
property :memory_max, String, description: 'MemoryMax= of the unit; what the unit says where it is not given'

default_action :create

action :create do
  role = new_resource.role
  unit = "watchfire@#{role}"
  address = new_resource.address

  execute "daemon-reload for #{unit}" do
    command %w(systemctl daemon-reload)
    action :nothing
  end

  # Told by what follows.
  %w(socket service).each do |kind|
    service "#{unit}.#{kind}" do
      action :nothing
    end
  end

  file "/etc/default/watchfire-#{role}" do
    content <<~TEXT
      # Written by Chef.
      WATCHFIRE_METRICS=#{address}:#{Watchfire::Cluster::METRICS[role]}
    TEXT
    mode '0644'
    notifies :restart, "service[#{unit}.service]", :delayed
  end

  directory "/etc/systemd/system/#{unit}.service.d" do
    mode '0755'
  end

  file "/etc/systemd/system/#{unit}.service.d/chef.conf" do
    content service_drop_in
    mode '0644'
    notifies :run, "execute[daemon-reload for #{unit}]", :immediately
    notifies :restart, "service[#{unit}.service]", :delayed
  end

  unless role == 'processor'
    directory "/etc/systemd/system/#{unit}.socket.d" do
      mode '0755'
    end

    file "/etc/systemd/system/#{unit}.socket.d/chef.conf" do
      content <<~TEXT
        # Written by Chef.
        [Socket]
        ListenStream=
        ListenStream=#{address}:#{Watchfire::Cluster::PORTS[role]}
        FreeBind=yes
      TEXT
      mode '0644'
      notifies :run, "execute[daemon-reload for #{unit}]", :immediately
      notifies :restart, "service[#{unit}.socket]", :immediately
    end

    service "#{unit}.socket" do
      action %i(enable start)
    end
  end

  service "#{unit}.service" do
    action %i(enable start)
  end
end

action :stop do
  unit = "watchfire@#{new_resource.role}"
  service "#{unit}.socket" do
    action %i(stop disable)
    not_if { new_resource.role == 'processor' }
  end
  service "#{unit}.service" do
    action %i(stop disable)
  end
end

action_class do
  # Growing pauses between starts are known to systemd from 254 on.
  def service_drop_in
    lines = ['# Written by Chef.', '[Service]']
    lines << "MemoryMax=#{new_resource.memory_max}" if new_resource.memory_max
    lines += ['RestartSteps=5', 'RestartMaxDelaySec=60'] if systemd_version >= 254
    "#{lines.join("\n")}\n"
  end

  def systemd_version
    shell_out!('systemctl --version').stdout[/systemd (\d+)/, 1].to_i
  end
end
