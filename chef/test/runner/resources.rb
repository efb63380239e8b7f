# frozen_string_literal: true

# Chef's own resources, as far as the cookbook uses them: each looks first and acts only where something differs.

require 'digest'
require 'erb'
require 'etc'
require 'fileutils'
require 'net/http'
require 'uri'

module Runner
  module Owned
    def self.included(type)
      type.property :owner, String
      type.property :group, String
      type.property :mode, String
    end

    private

    # Owner, group and mode of what is at this path.
    def own(path)
      stat = File.stat(path)
      changed = false
      uid = owner && Etc.getpwnam(owner).uid
      gid = group && Etc.getgrnam(group).gid
      changed = change("owned by #{owner}:#{group}") { File.chown(uid, gid, path) } if (uid && stat.uid != uid) || (gid && stat.gid != gid)
      changed = change("mode #{mode}") { File.chmod(mode.to_i(8), path) } if mode && (stat.mode & 0o7777) != mode.to_i(8)
      changed
    end
  end

  class FileResource < Resource
    provides :file
    default_action :create
    include Owned
    property :path, String, name_property: true
    property :content, String
    property :verify, String

    def action_create
      written = wanted_content ? put(wanted_content) : touch
      own(path) || written
    end

    def action_delete
      return false unless File.exist?(path)

      change('deleted') { File.delete(path) }
    end

    private

    def wanted_content
      content
    end

    def touch
      return false if File.exist?(path)

      change('made') { FileUtils.touch(path) }
    end

    # Never half a file: beside it first, then in its place.
    def put(text)
      return false if File.exist?(path) && File.binread(path) == text.b

      change(File.exist?(path) ? 'content differs' : 'made') do
        beside = "#{path}.new"
        File.open(beside, 'w', 0o600) { |file| file.write(text) }
        verified!(beside)
        File.exist?(path) ? keep_owner(beside) : File.chmod(0o644 & ~File.umask, beside)
        File.rename(beside, path)
      end
    end

    def verified!(beside)
      return unless verify

      sh('sh', '-c', format(verify, path: beside))
    rescue StandardError
      File.delete(beside)
      raise
    end

    def keep_owner(beside)
      stat = File.stat(path)
      File.chown(stat.uid, stat.gid, beside)
      File.chmod(stat.mode & 0o7777, beside)
    end
  end

  class TemplateResource < FileResource
    provides :template
    default_action :create
    property :source, String, required: true
    property :variables, Hash, default: {}

    private

    # Variables are the template's instance variables, as in Chef.
    def wanted_content
      context = Object.new
      variables.each { |name, value| context.instance_variable_set("@#{name}", value) }
      context.instance_variable_set(:@node, node)
      text = File.read(File.join(run.cookbook, 'templates', source))
      ERB.new(text, trim_mode: '-').result(context.instance_eval { binding })
    end
  end

  class CookbookFileResource < FileResource
    provides :cookbook_file
    default_action :create
    property :source, String, required: true

    private

    def wanted_content
      File.read(File.join(run.cookbook, 'files', source))
    end
  end

  class RemoteFileResource < FileResource
    provides :remote_file
    default_action :create
    property :source, String, required: true
    property :checksum, String

    def action_create
      return own(path) || false if checksum && File.exist?(path) && sum(path) == checksum.downcase

      FileUtils.mkdir_p(File.dirname(path))
      beside = "#{path}.new"
      fetch(URI(source), beside)
      got = sum(beside)
      if checksum && got != checksum.downcase
        File.delete(beside)
        raise Chef::Exceptions::ChecksumMismatch, "#{source} has SHA-256 #{got}, and #{checksum} is expected: nothing was changed"
      end
      change('fetched') { File.rename(beside, path) }
      own(path)
      true
    end

    private

    def sum(file)
      Digest::SHA256.file(file).hexdigest
    end

    def fetch(uri, target)
      return FileUtils.cp(uri.path, target) if uri.scheme == 'file'

      Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == 'https') do |http|
        http.request_get(uri.request_uri) do |answer|
          answer.value
          File.open(target, 'wb') { |file| answer.read_body { |part| file.write(part) } }
        end
      end
    end
  end

  class DirectoryResource < Resource
    provides :directory
    default_action :create
    include Owned
    property :path, String, name_property: true
    property :recursive, [true, false], default: false

    def action_create
      made = !File.directory?(path) && change('made') { recursive ? FileUtils.mkdir_p(path) : Dir.mkdir(path) }
      own(path) || made
    end
  end

  class GroupResource < Resource
    provides :group
    default_action :create
    property :group_name, String, name_property: true
    property :system, [true, false], default: false

    def action_create
      Etc.getgrnam(group_name)
      false
    rescue ArgumentError
      change('made') { sh('groupadd', *('--system' if system), group_name) }
    end
  end

  class UserResource < Resource
    provides :user
    default_action :create
    property :username, String, name_property: true
    property :gid, String
    property :home, String
    property :shell, String
    property :system, [true, false], default: false

    def action_create
      there = Etc.getpwnam(username)
      return false if there.dir == home && there.shell == shell

      change('home and shell') { sh('usermod', '--home', home, '--shell', shell, username) }
    rescue ArgumentError
      change('made') do
        sh('useradd', *('--system' if system), '--no-create-home', '--gid', gid, '--home-dir', home, '--shell', shell, username)
      end
    end
  end

  class ExecuteResource < Resource
    provides :execute
    default_action :run
    property :command, [String, Array], name_property: true

    def action_run
      change('run') { command.is_a?(Array) ? sh(*command) : sh('sh', '-c', command) }
    end
  end

  class AptUpdateResource < Resource
    provides :apt_update
    default_action :periodic
    property :frequency, Integer, default: 86_400

    def action_periodic
      lists = Dir['/var/lib/apt/lists/*_Packages*', '/var/lib/apt/lists/*Release']
      return false if lists.any? && Time.now - lists.map { |file| File.ctime(file) }.max < frequency

      change('lists are old') { sh({ 'DEBIAN_FRONTEND' => 'noninteractive' }, 'apt-get', 'update', '-qq') }
    end
  end

  class PackageResource < Resource
    provides :package
    default_action :install
    property :package_name, [String, Array], name_property: true
    property :version, String

    def action_install
      missing = Array(package_name).reject { |name| installed?(name) }
      return false if missing.empty?

      change("installs #{missing.join(', ')}") { install(missing) }
    end

    private

    def installed?(name)
      out, = Open3.capture2e('dpkg-query', '-W', '-f=${Status} ${Version}', name)
      out.start_with?('install ok installed') && (version.nil? || out.split.last == version)
    end

    def install(names)
      wanted = names.map { |name| version ? "#{name}=#{version}" : name }
      sh({ 'DEBIAN_FRONTEND' => 'noninteractive' }, 'apt-get', 'install', '-y', '-qq', '--no-install-recommends',
         '-o', 'Dpkg::Options::=--force-confold', *wanted)
    end
  end

  class DpkgPackageResource < Resource
    provides :dpkg_package
    default_action :install
    property :package_name, String, name_property: true
    property :source, String, required: true

    def action_install
      wanted = sh('dpkg-deb', '-f', source, 'Version').strip
      there, = Open3.capture2e('dpkg-query', '-W', '-f=${Status} ${Version}', package_name)
      return false if there == "install ok installed #{wanted}"

      change("installs #{wanted}") { sh({ 'DEBIAN_FRONTEND' => 'noninteractive' }, 'dpkg', '-i', '--force-confold', source) }
    end
  end

  class ServiceResource < Resource
    provides :service
    default_action :nothing
    property :service_name, String, name_property: true

    def action_enable
      return false if %w(enabled static alias indirect).include?(state('is-enabled'))

      change('enabled') { systemctl('enable') }
    end

    def action_disable
      return false unless state('is-enabled') == 'enabled'

      change('disabled') { systemctl('disable') }
    end

    def action_start
      return false if state('is-active') == 'active'

      change('started') { systemctl('start') }
    end

    def action_stop
      return false unless %w(active activating).include?(state('is-active'))

      change('stopped') { systemctl('stop') }
    end

    def action_restart
      change('restarted') { systemctl('restart') }
    end

    def action_reload
      return action_start unless state('is-active') == 'active'

      change('reloaded') { systemctl('reload') }
    end

    private

    def unit
      service_name
    end

    def state(question)
      Open3.capture2e('systemctl', question, unit).first.strip
    end

    def systemctl(verb)
      sh('systemctl', '--quiet', verb, unit)
    end
  end

  class SystemdUnitResource < ServiceResource
    provides :systemd_unit
    default_action :nothing
    property :content, [String, Hash]
    property :unit_name, String, name_property: true

    def action_create
      path = "/etc/systemd/system/#{unit}"
      return false if File.exist?(path) && File.read(path) == text

      change('content differs') do
        File.write(path, text)
        sh('systemctl', 'daemon-reload')
      end
    end

    def action_mask
      return false if state('is-enabled') == 'masked'

      change('masked') { systemctl('mask') }
    end

    def action_unmask
      return false unless state('is-enabled') == 'masked'

      change('unmasked') { systemctl('unmask') }
    end

    private

    def unit
      unit_name
    end

    def text
      return content if content.is_a?(String)

      sections = content.map do |section, lines|
        "[#{section}]\n#{lines.map { |key, value| "#{key} = #{value}\n" }.join}"
      end
      sections.join("\n")
    end
  end

  class SysctlResource < Resource
    provides :sysctl
    default_action :apply
    property :key, String, name_property: true
    property :value, String, required: true

    def action_apply
      path = "/etc/sysctl.d/99-chef-#{key}.conf"
      line = "#{key} = #{value}\n"
      now = File.read("/proc/sys/#{key.tr('.', '/')}").split.join(' ')
      return false if now == value && File.exist?(path) && File.read(path) == line

      change("#{now} becomes #{value}") do
        File.write(path, line)
        sh('sysctl', '-q', '-p', path)
      end
    end
  end

  class OpensslX509CertificateResource < Resource
    provides :openssl_x509_certificate
    default_action :create
    property :path, String, name_property: true
    property :common_name, String, required: true
    property :key_file, String
    property :expire, Integer, default: 365
    property :mode, String

    def action_create
      return false if File.exist?(path) && sh?('openssl', 'x509', '-checkend', (30 * 86_400).to_s, '-in', path)

      change('made') do
        sh('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', expire.to_s,
           '-subj', "/CN=#{common_name}", '-keyout', key_file, '-out', path)
        [path, key_file].each { |file| File.chmod((mode || '0640').to_i(8), file) }
      end
    end
  end

  class LogResource < Resource
    provides :log
    default_action :write
    property :message, String, name_property: true

    def action_write
      puts "  #{message}"
      false
    end
  end

  # Known, so that recipes compile; the vendor's repository cannot be reached where this runner is used.
  class AptRepositoryResource < Resource
    provides :apt_repository
    default_action :add
    %i(uri distribution key).each { |name| property name, String }
    property :components, Array

    def action_add
      raise 'the runner of tests adds no repository'
    end
  end
end
