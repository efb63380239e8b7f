# frozen_string_literal: true

name 'realtime'
description 'A host that runs realtime; node["watchfire"]["hosts"] names it among its roles'
run_list 'recipe[watchfire::base]', 'recipe[watchfire::realtime]'
