# frozen_string_literal: true

name 'collector'
description 'A host that runs collector; node["watchfire"]["hosts"] names it among its roles'
run_list 'recipe[watchfire::base]', 'recipe[watchfire::collector]'
