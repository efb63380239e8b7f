# frozen_string_literal: true

# Every host of the installation by its node name, with its private address and what it runs:
#   { 'a' => { 'address' => '10.0.0.11', 'roles' => %w(proxy collector realtime web) }, … }
# Roles: embedded (alone on one host), or rabbitmq, redis, mongodb, collector, processor, realtime, web, proxy, observe.
# Recipes read from it who talks to whom; the firewall lets nobody else in.
default['watchfire']['hosts'] = {}

# The Debian package: where it is fetched from (https://… or file:///…), and its SHA-256. A wrong sum stops the run.
default['watchfire']['package']['source'] = nil
default['watchfire']['package']['sha256'] = nil

# How people reach the installation: https://stats.example.org
default['watchfire']['public_url'] = nil
# Whether anybody may read at /status how each service is and was.
default['watchfire']['public_status'] = false
# What queues and keys are named after.
default['watchfire']['installation'] = 'watchfire'
# Shards of the bus, 1 to 64: at least as many as processors. docs/operating.md says how it is changed later.
default['watchfire']['shards'] = 8
# Further settings of /etc/watchfire/cluster.toml (and watchfire.toml), by their names there.
default['watchfire']['settings'] = {}
# MemoryMax= of each service, as systemd writes it; by role.
default['watchfire']['memory_max'] = {}

# A file of secrets as JSON, mode 600; where it is not there the data bag `watchfire`, item `secrets`, is asked.
# Keys: rabbitmq_password, erlang_cookie, redis_password, mongodb_password, mongodb_key, and tls (a PEM of certificate and key).
default['watchfire']['secrets_file'] = '/etc/watchfire-secrets.json'

# Networks that may come in by SSH. Empty: from anywhere.
default['watchfire']['firewall']['ssh_from'] = []
# false leaves the firewall to you.
default['watchfire']['firewall']['enabled'] = true

# Open files and processes of who runs databases and Watchfire by hand; services have limits of their own units.
default['watchfire']['limits']['nofile'] = 65_536
default['watchfire']['limits']['nproc'] = 16_384
# The kernel: many short connections, and Redis' forks. What a container may not set is left to the machine around it.
default['watchfire']['sysctl'] = {
  'net.core.somaxconn' => 4096,
  'net.ipv4.ip_local_port_range' => '10240 65535',
  'net.ipv4.tcp_keepalive_time' => 120,
  'net.ipv4.tcp_keepalive_intvl' => 15,
  'net.ipv4.tcp_keepalive_probes' => 4,
  'vm.overcommit_memory' => 1,
  'vm.swappiness' => 1,
}

# Redis: memory past which writes are refused (nothing is evicted: it is state).
default['watchfire']['redis']['maxmemory'] = '1gb'
# RabbitMQ: memory past which publishers wait; free disk below which they do.
default['watchfire']['rabbitmq']['memory'] = '1GB'
default['watchfire']['rabbitmq']['disk_free'] = '1GB'

# MongoDB of its vendor: repository, the key's address and SHA-256, the pinned version.
default['watchfire']['mongodb']['version'] = '7.0.14'
default['watchfire']['mongodb']['repository'] = 'https://repo.mongodb.org/apt/debian'
default['watchfire']['mongodb']['key'] = 'https://www.mongodb.org/static/pgp/server-7.0.asc'
default['watchfire']['mongodb']['key_sha256'] = nil
# Another program in place of the vendor's package, as a command that listens on the host's address at 27017. For tests.
default['watchfire']['mongodb']['command'] = nil
# Another address than the one made of the hosts: a MongoDB that somebody else runs.
default['watchfire']['mongodb']['uri'] = nil

# The proxy: connections at most, of which each takes two files (the unit allows 65,536 files).
default['watchfire']['proxy']['connections'] = 20_000
# Seconds that a stopping proxy waits for its connections.
default['watchfire']['proxy']['drain'] = 30
