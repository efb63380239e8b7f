# frozen_string_literal: true

name 'processor'
description 'A host that runs processor; node["watchfire"]["hosts"] names it among its roles'
run_list 'recipe[watchfire::base]', 'recipe[watchfire::processor]'
