# frozen_string_literal: true

name 'observe'
description 'A host that runs observe; node["watchfire"]["hosts"] names it among its roles'
run_list 'recipe[watchfire::base]', 'recipe[watchfire::observe]'
