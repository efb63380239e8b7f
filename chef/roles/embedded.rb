# frozen_string_literal: true

name 'embedded'
description 'A host that runs embedded; node["watchfire"]["hosts"] names it among its roles'
run_list 'recipe[watchfire::base]', 'recipe[watchfire::embedded]'
