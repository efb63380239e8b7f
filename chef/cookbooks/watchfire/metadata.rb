# frozen_string_literal: true

name 'watchfire'
maintainer 'The Watchfire contributors'
maintainer_email 'watchfire@localhost'
license 'MIT OR Apache-2.0'
description 'Watchfire on one host or many: hosts made ready, RabbitMQ, Redis, MongoDB, the services, proxy and metrics'
version '0.1.0'
chef_version '>= 16.0'
supports 'debian', '>= 12.0'
source_url 'https://example.org/watchfire/chef'
issues_url 'https://example.org/watchfire/issues'
