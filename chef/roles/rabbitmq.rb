# frozen_string_literal: true

name 'rabbitmq'
description 'A host that runs rabbitmq; node["watchfire"]["hosts"] names it among its roles'
run_list 'recipe[watchfire::base]', 'recipe[watchfire::rabbitmq]'
