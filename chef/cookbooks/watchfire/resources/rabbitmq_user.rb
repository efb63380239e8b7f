# frozen_string_literal: true

# A user of RabbitMQ with the least rights on a virtual host of its own.
unified_mode true
provides :watchfire_rabbitmq_user
description 'A user of RabbitMQ, its virtual host and its permissions'

property :user, String, name_property: true
property :password, String, sensitive: true, required: true
property :vhost, String, required: true
property :permissions, Array, required: true, description: 'Patterns of what it may configure, write, read'

default_action :create

action :create do
  user = new_resource.user
  vhost = new_resource.vhost

  execute "virtual host #{vhost}" do
    command ['rabbitmqctl', 'add_vhost', vhost]
    not_if { rabbitmqctl('list_vhosts', '--silent').split("\n").include?(vhost) }
  end

  execute "user #{user}" do
    command ['rabbitmqctl', 'add_user', user, new_resource.password]
    sensitive true
    not_if { rabbitmqctl('list_users', '--silent').split("\n").any? { |line| line.split("\t").first == user } }
  end

  execute "password of #{user}" do
    command ['rabbitmqctl', 'change_password', user, new_resource.password]
    sensitive true
    not_if { shell_out('rabbitmqctl', 'authenticate_user', user, new_resource.password).exitstatus.zero? }
  end

  execute "permissions of #{user}" do
    command ['rabbitmqctl', 'set_permissions', '-p', vhost, user, *new_resource.permissions]
    not_if do
      rabbitmqctl('list_user_permissions', '--silent', user).split("\n").include?([vhost, *new_resource.permissions].join("\t"))
    end
  end

  execute 'no guest' do
    command %w(rabbitmqctl delete_user guest)
    only_if { rabbitmqctl('list_users', '--silent').split("\n").any? { |line| line.start_with?("guest\t") } }
  end
end

action_class do
  def rabbitmqctl(*arguments)
    shell_out!('rabbitmqctl', *arguments).stdout
  end
end
