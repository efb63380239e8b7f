# frozen_string_literal: true

name 'proxy'
description 'A host that runs proxy; node["watchfire"]["hosts"] names it among its roles'
run_list 'recipe[watchfire::base]', 'recipe[watchfire::proxy]'
