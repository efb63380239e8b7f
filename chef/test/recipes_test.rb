# frozen_string_literal: true

# What of the recipes needs neither root nor a host: they compile for every host of every sample, their templates say what
# they should, a wrong sum stops a run, and the runner of tests keeps Chef's rules.
require 'minitest/autorun'
require 'tmpdir'
require_relative 'runner/runner'

CHEF = File.expand_path('..', __dir__)
SECRETS = { 'rabbitmq_password' => 'a b/c', 'erlang_cookie' => 'C', 'redis_password' => 'r:d', 'mongodb_password' => 'm',
            'mongodb_key' => 'k', }.freeze

module Runner
  # To look into a run without a host.
  class Run
    attr_reader :collection

    def compile(recipes)
      load_cookbook
      recipes.each { |recipe| include_recipe(recipe) }
      self
    end

    # Acts on resources that a test declares.
    def converge_these(&block)
      RecipeContext.new(self, @collection).instance_exec(&block)
      @collection.each { |resource| act(resource) }
      run_delayed
      self
    end
  end
end

class RecipesTest < Minitest::Test
  def setup
    @folder = Dir.mktmpdir
  end

  def teardown
    FileUtils.rm_rf(@folder)
  end

  def sample(name, more = {})
    json = JSON.parse(File.read(File.join(CHEF, "samples/#{name}.json")))
    secrets = File.join(@folder, 'secrets.json')
    File.write(secrets, JSON.generate(SECRETS))
    json['watchfire'].merge!({ 'secrets_file' => secrets, 'mongodb' => { 'key_sha256' => 'f' * 64 } }.merge(more))
    file = File.join(@folder, 'node.json')
    File.write(file, JSON.generate(json))
    [file, json['watchfire']['hosts']]
  end

  def compiled(name, host)
    file, = sample(name)
    Runner::Run.new(CHEF, file, host).compile(%w(watchfire::default))
  end

  def text(run, resource)
    run.collection.find { |one| one.to_s == resource }.send(:wanted_content)
  end

  def test_every_host_of_every_sample_compiles
    %w(one three ten).each do |name|
      _, hosts = sample(name)
      hosts.each_key { |host| assert_operator compiled(name, host).collection.size, :>, 20, "#{name} #{host}" }
    end
  end

  def test_every_template_of_every_host_can_be_written
    _, hosts = sample('ten')
    written = hosts.keys.flat_map do |host|
      templates = compiled('ten', host).collection.grep(Runner::TemplateResource)
      templates.each { |template| refute_includes template.send(:wanted_content), '<%', template.to_s }
    end
    named = written.map(&:source).uniq.sort
    assert_equal Dir.children(File.join(CHEF, 'cookbooks/watchfire/templates')).sort, named | %w(settings.toml.erb)
  end

  def test_a_host_that_nobody_named_stops_the_run
    error = assert_raises(RuntimeError) { compiled('three', 'z') }
    assert_includes error.message, 'has no z'
  end

  def test_the_firewall_opens_servers_to_services_alone
    rules = text(compiled('three', 'c'), 'template[/etc/nftables.conf]')
    assert_includes rules, 'policy drop'
    { 5672 => '', 6379 => '', 27_017 => ', 10.77.0.13' }.each do |port, itself|
      assert_includes rules, "ip saddr { 10.77.0.11, 10.77.0.12#{itself} } tcp dport #{port} accept"
    end
    refute_match(/^\s*tcp dport (?!22 )/, rules)
  end

  def test_the_firewall_of_a_proxy_is_open_to_all_at_two_ports
    rules = text(compiled('ten', 'proxy-1'), 'template[/etc/nftables.conf]')
    assert_equal %w(22 80 443), rules.scan(/^\s*tcp dport (\d+) accept/).flatten
  end

  def test_the_public_reads_how_services_are_where_that_is_wanted
    { {} => false, { 'public_status' => true } => true }.each do |more, is_shown|
      file, = sample('three', more)
      run = Runner::Run.new(CHEF, file, 'a').compile(%w(watchfire::default))
      assert_equal is_shown, text(run, 'template[/etc/watchfire/cluster.toml]').include?("public-status = true\n")
    end
  end

  def test_passwords_are_written_as_addresses_want_them
    run = compiled('three', 'a')
    assert_equal "amqp://watchfire:a%20b%2Fc@10.77.0.13/watchfire\n", text(run, 'file[/etc/watchfire/secrets/bus]')
    assert_equal "redis://watchfire:r%3Ad@10.77.0.13:6379/0\n", text(run, 'file[/etc/watchfire/secrets/live]')
    store = "mongodb://watchfire:m@10.77.0.13/watchfire?replicaSet=watchfire&authSource=watchfire\n"
    assert_equal store, text(run, 'file[/etc/watchfire/secrets/store]')
    run.collection.select { |one| one.to_s.include?('/secrets/') && one.is_a?(Runner::FileResource) }
       .each { |secret| assert_equal [true, '0600', 'root'], [secret.sensitive, secret.mode, secret.owner] }
  end

  def test_proxies_ask_every_service_of_all_hosts
    proxy = text(compiled('ten', 'proxy-2'), 'template[/etc/haproxy/haproxy.cfg]')
    %w(10.77.0.13:8101 10.77.0.14:8101 10.77.0.15:8103 10.77.0.16:8103 10.77.0.11:8104 10.77.0.12:8104).each do |server|
      assert_includes proxy, server
    end
  end

  def test_roles_are_recipes
    roles = Dir[File.join(CHEF, 'roles/*.rb')].map { |file| File.basename(file, '.rb') }
    recipes = Dir[File.join(CHEF, 'cookbooks/watchfire/recipes/*.rb')].map { |file| File.basename(file, '.rb') }
    assert_equal (recipes - %w(default base program)).sort, roles.sort
  end

  def run_of(&block)
    file, = sample('one')
    Runner::Run.new(CHEF, file, 'a').converge_these(&block)
  end

  def quietly(&block)
    value = nil
    capture_io { value = block.call }
    value
  end

  def test_a_download_of_another_sum_is_refused_and_changes_nothing
    source = File.join(@folder, 'source')
    target = File.join(@folder, 'target')
    File.write(source, 'what was sent')
    File.write(target, 'what was there')
    fetch = lambda do |sum|
      quietly { run_of { remote_file(target) { source "file://#{source}"; checksum sum } } } # rubocop:disable Style/Semicolon
    end
    error = assert_raises(Chef::Exceptions::ChecksumMismatch) { fetch.call('0' * 64) }
    assert_includes error.message, 'nothing was changed'
    assert_equal 'what was there', File.read(target)
    assert_equal 1, fetch.call(Digest::SHA256.file(source).hexdigest).updated
    assert_equal 'what was sent', File.read(target)
    assert_equal 0, fetch.call(Digest::SHA256.file(source).hexdigest).updated
  end

  def test_a_resource_acts_only_where_something_differs
    path = File.join(@folder, 'file')
    write = -> { quietly { run_of { file(path) { content 'x'; mode '0640' } } } } # rubocop:disable Style/Semicolon
    assert_equal 1, write.call.updated
    assert_equal 0, write.call.updated
    File.chmod(0o600, path)
    assert_equal 1, write.call.updated
    assert_equal 0o640, File.stat(path).mode & 0o777
  end

  def test_guards_hold_and_notifications_come_at_once_or_once_at_the_end
    marks = File.join(@folder, 'marks')
    folder = @folder
    quietly do
      run_of do
        execute('late') { command "echo late >> #{marks}"; action :nothing } # rubocop:disable Style/Semicolon
        execute('now') { command "echo now >> #{marks}"; action :nothing } # rubocop:disable Style/Semicolon
        file("#{folder}/never") { not_if { true } }
        %w(one two).each do |name|
          file "#{folder}/#{name}" do
            content name
            notifies :run, 'execute[late]', :delayed
            notifies :run, 'execute[now]', :immediately
          end
        end
        execute("echo after >> #{marks}")
      end
    end
    assert_equal %w(now now after late), File.read(marks).split
    refute_path_exists File.join(@folder, 'never')
  end

  def test_a_property_of_another_kind_is_refused
    file, = sample('one')
    run = Runner::Run.new(CHEF, file, 'a').compile([])
    recipe = Runner::RecipeContext.new(run, [])
    recipe.instance_exec { watchfire_service('web') { address '10.0.0.1' } }
    wrong = ->(&block) { assert_raises(Chef::Exceptions::ValidationFailed) { recipe.instance_exec(&block) } }
    wrong.call { watchfire_service('chat') { address '10.0.0.1' } }
    wrong.call { watchfire_service('web') }
    wrong.call { watchfire_package('https://x') { sha256 'short' } }
  end
end
