# frozen_string_literal: true

name 'mongodb'
description 'A host that runs mongodb; node["watchfire"]["hosts"] names it among its roles'
run_list 'recipe[watchfire::base]', 'recipe[watchfire::mongodb]'
