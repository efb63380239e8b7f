# frozen_string_literal: true

# The Debian package of Watchfire, fetched, held against its SHA-256, and then installed. A wrong sum stops the run.
unified_mode true
provides :watchfire_package
description 'Installs the Debian package of Watchfire from an address whose SHA-256 is known'

property :source, String, name_property: true, description: 'https://… or file:///…'
property :sha256, String, required: true, regex: /\A\h{64}\z/
property :embedded, [true, false], default: false, description: 'Whether it starts all services in one process'

default_action :install

load_current_value do |wanted|
  recorded = '/var/lib/misc/watchfire-package.sha256'
  installed = shell_out('dpkg-query', '-W', '-f=${Status}', 'watchfire').stdout == 'install ok installed'
  current_value_does_not_exist! unless installed && ::File.exist?(recorded)
  source wanted.source
  sha256 ::File.read(recorded).strip
end

action :install do
  deb = "#{Chef::Config[:file_cache_path]}/watchfire.deb"

  # The package starts what is not masked; a host of a cluster runs single services.
  %w(watchfire.service watchfire.socket).each do |unit|
    systemd_unit unit do
      action new_resource.embedded ? :unmask : :mask
    end
  end

  converge_if_changed :sha256 do
    remote_file deb do
      source new_resource.source
      checksum new_resource.sha256
      mode '0644'
    end

    dpkg_package 'watchfire' do
      source deb
      action :install
    end

    file '/var/lib/misc/watchfire-package.sha256' do
      content "#{new_resource.sha256}\n"
      mode '0644'
    end
  end
end
