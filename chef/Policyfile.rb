# frozen_string_literal: true

# Every host runs the same list: what it does is in node['watchfire']['hosts'].
name 'watchfire'
default_source :chef_repo, 'cookbooks'
run_list 'watchfire::default'
cookbook 'watchfire', path: 'cookbooks/watchfire'
