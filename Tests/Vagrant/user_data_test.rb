# SPDX-License-Identifier: Apache-2.0
require "minitest/autorun"
require_relative "../../Vagrant/user_data"

class UserDataTest < Minitest::Test
  URL = "http://192.168.56.101:7379/discovery/0123"

  def copy(text, settings = { "discovery" => URL })
    Coracle::UserData.new(text, "user-data")
                     .copy(settings: settings, public_address: "1.2.3.4", private_address: "10.0.0.4")
  end

  def refusal(text)
    assert_raises(Coracle::UserDataError) { copy(text) }.message
  end

  def store(lines)
    "#cloud-config\ncoreos:\n  etcd2:\n#{lines}"
  end

  def test_an_empty_value_is_filled_and_comments_stay
    assert_equal store("    discovery: #{URL} # mine\n    name: a # why\n"), copy(store("    discovery: # mine\n    name: a # why\n"))
    assert_equal store("    discovery: #{URL}\n"), copy(store("    discovery:\n"))
    assert_equal store("    discovery: #{URL}\n"), copy(store("    discovery: ~\n"))
    assert_equal store("    discovery: #{URL} \n    name: a\n"), copy(store("    discovery: \n    name: a\n"))
  end

  def test_placeholders_and_the_service_that_is_gone_are_replaced
    ["<discovery-url>", "https://discovery.etcd.io/<token>", "\"https://discovery.etcd.io/3f6a\""].each do |old|
      assert_equal store("    discovery: #{URL}\n"), copy(store("    discovery: #{old}\n"))
    end
  end

  def test_a_placeholder_is_taken_out_when_there_is_no_token
    assert_equal store("    proxy: on\n    discovery: \n"),
                 copy(store("    discovery: https://discovery.etcd.io/<token>\n"), { "discovery" => nil, "proxy" => "on" })
    assert_equal store("    name: a\n"), copy(store("    name: a\n"), { "discovery" => nil })
  end

  def test_a_url_of_the_users_own_stays
    own = store("    discovery: http://10.0.0.9:2379/discovery/ab\n    name: x\n")
    assert_equal own, copy(own)
    assert Coracle::UserData.new(own, "user-data").own_way?
  end

  def test_a_static_cluster_gets_no_token
    own = store("    initial_cluster: a=http://10.0.0.1:2380\n")
    assert_equal own, copy(own)
  end

  def test_what_is_missing_is_put_in_front
    assert_equal store("    discovery: #{URL}\n    listen-client-urls: http://0.0.0.0:2379\n"),
                 copy(store("    listen-client-urls: http://0.0.0.0:2379\n"))
    assert_equal store("    name: m\n    proxy: on\n    heartbeat-interval: 100\n"),
                 copy(store("    heartbeat-interval: 100\n"), { "name" => "m", "proxy" => "on" })
  end

  def test_a_name_of_the_users_own_stays
    assert_equal store("    name: \"%H\"\n"), copy(store("    name: \"%H\"\n"), { "name" => "m" })
  end

  def test_mappings_in_braces
    assert_equal "#cloud-config\ncoreos: {etcd2: {discovery: \"#{URL}\", name: a}}\n",
                 copy("#cloud-config\ncoreos: {etcd2: {name: a}}\n")
    assert_equal "#cloud-config\ncoreos: {etcd2: {discovery: \"#{URL}\"}}\n", copy("#cloud-config\ncoreos: {etcd2: {}}\n")
  end

  def test_etcd_of_older_files_gets_the_token_too
    assert_equal "#cloud-config\ncoreos:\n  etcd:\n    discovery: #{URL}\n    addr: 1.2.3.4:4001\n",
                 copy("#cloud-config\ncoreos:\n  etcd:\n    addr: $public_ipv4:4001\n")
  end

  def test_addresses_are_put_in_but_not_where_they_are_escaped_or_the_shells
    text = store("    discovery:\n") + "write_files:\n- content: $private_ipv4 $public_ipv4 \\$private_ipv4 ${private_ipv4}\n"
    assert copy(text).end_with?("- content: 10.0.0.4 1.2.3.4 \\$private_ipv4 ${private_ipv4}\n")
  end

  def test_refusals_name_file_and_line
    assert_equal "user-data:1: does not begin with #cloud-config: make that its first line", refusal("coreos:\n")
    assert_match(/\Auser-data:\d+: is not YAML: /, refusal("#cloud-config\ncoreos:\n  etcd2: [\n"))
    assert_equal "user-data: has no coreos.etcd2 section: add one, as user-data.sample has it", refusal("#cloud-config\nhostname: a\n")
    assert_equal "user-data:2: has no settings below its first line", refusal("#cloud-config\n")
    assert_equal "user-data: is not UTF-8", refusal("#cloud-config\nhostname: \xff\n")
    assert_equal "user-data: is larger than 1048576 bytes", refusal("#cloud-config\n" + "#" * (1 << 20))
    assert_match(/user-data:\d+: has a discovery URL over several lines/, refusal(store("    discovery: \"<a\n      b>\"\n")))
  end

  def test_the_sample_is_filled
    sample = File.read(File.join(__dir__, "../../Vagrant/user-data.sample"))
    filled = copy(sample, { "discovery" => URL, "name" => "coracle-02" })
    assert_includes filled, "    discovery: #{URL} # filled in by Vagrant\n"
    assert_includes filled, "    name: coracle-02\n"
    refute_match(/\$p/, filled)
  end
end
