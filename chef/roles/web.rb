# frozen_string_literal: true

name 'web'
description 'A host that runs web; node["watchfire"]["hosts"] names it among its roles'
run_list 'recipe[watchfire::base]', 'recipe[watchfire::web]'
