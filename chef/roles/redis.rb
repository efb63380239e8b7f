# frozen_string_literal: true

name 'redis'
description 'A host that runs redis; node["watchfire"]["hosts"] names it among its roles'
run_list 'recipe[watchfire::base]', 'recipe[watchfire::redis]'
