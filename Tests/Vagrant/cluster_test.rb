# SPDX-License-Identifier: Apache-2.0
require "minitest/autorun"
require "socket"
require "tmpdir"
require_relative "../../Vagrant/cluster"

class ClusterTest < Minitest::Test
  ALL = %w[coracle-01 coracle-02 coracle-03].freeze

  def setup
    @state = File.join(Dir.mktmpdir, "coracle")
    @user_data = Coracle::UserData.new("#cloud-config\ncoreos:\n  etcd2:\n    discovery:\n    advertise-client-urls: http://$public_ipv4:2379\n", "user-data")
  end

  def teardown
    FileUtils.rm_rf(File.dirname(@state))
  end

  def cluster(existing = [], globals = {})
    Coracle::Cluster.new(Coracle::Settings.new(globals, {}, "/project"), state: @state, existing: existing)
  end

  def written(name, file = "user-data")
    File.read(File.join(@state, name, file))
  end

  def test_machines_have_names_and_addresses
    assert_equal [%w[coracle-01 192.168.56.101], %w[coracle-02 192.168.56.102], %w[coracle-03 192.168.56.103]],
                 cluster.machines.map { |machine| [machine.name, machine.address] }
    assert_equal "core-12", cluster([], { "num_instances" => 12, "instance_name_prefix" => "core" }).machines.last.name
  end

  def test_every_machine_gets_the_same_url_and_its_own_name_address_and_id
    one = cluster
    one.write(@user_data)
    url = "http://192.168.56.101:7379/discovery/#{one.token}"
    ALL.each_with_index do |name, index|
      assert_includes written(name), "    discovery: #{url}\n"
      assert_includes written(name), "    name: #{name}\n"
      assert_includes written(name), "http://192.168.56.10#{index + 1}:2379\n"
      assert_includes written(name, "environment"), "COREOS_PRIVATE_IPV4=192.168.56.10#{index + 1}\n"
    end
    ids = ALL.map { |name| written(name, "environment")[/^CORACLE_NODE_MACHINE_ID=(\h{32})$/, 1] }
    assert_equal 3, ids.compact.uniq.size
  end

  def test_only_the_first_machine_keeps_the_token
    one = cluster
    one.write(@user_data)
    assert_equal "#{one.token} 3\n", written("coracle-01", "token")
    assert_includes written("coracle-01", "seed.yaml"), "listen-client-urls: http://192.168.56.101:7379\n"
    assert_equal %w[environment user-data], Dir.children(File.join(@state, "coracle-02")).sort
  end

  def test_the_token_outlives_commands_as_long_as_there_is_a_machine
    first = cluster
    first.write(@user_data)
    before = ALL.to_h { |name| [name, written(name, "environment")] }
    again = cluster(%w[coracle-02])
    again.write(@user_data)
    assert_equal first.token, again.token
    assert_equal(before, ALL.to_h { |name| [name, written(name, "environment")] })
    refute_equal first.token, cluster.token
  end

  def test_nothing_is_written_before_it_is_asked_for
    cluster
    refute File.exist?(@state)
  end

  def test_the_size_is_fixed_when_the_cluster_is_made
    assert_equal [1, 1, 3, 3, 3], (1..5).map { |count| cluster([], { "num_instances" => count }).size }
    assert_equal 5, cluster([], { "num_instances" => 7, "store_size" => 5 }).size
    cluster.write(@user_data)
    assert_equal 3, cluster(ALL, { "num_instances" => 1 }).size
  end

  def test_machines_beyond_the_count_stay_known_but_are_not_started
    machines = cluster(%w[coracle-01 coracle-05 other-04 coracle-99], { "num_instances" => 1 }).machines
    assert_equal [["coracle-01", true], ["coracle-05", false]], machines.map { |machine| [machine.name, machine.autostart] }
  end

  def test_the_last_destroyed_machine_ends_the_cluster
    one = cluster
    one.write(@user_data)
    one.destroyed("coracle-01", remaining: [])
    refute File.exist?(@state)
  end

  def test_a_destroyed_machine_comes_back_as_a_worker_with_another_id
    cluster.write(@user_data)
    before = written("coracle-02", "environment")
    cluster(ALL).destroyed("coracle-02", remaining: %w[coracle-01 coracle-03])
    later = cluster(%w[coracle-01 coracle-03])
    later.write(@user_data)
    assert_includes written("coracle-02"), "    proxy: on\n"
    assert_includes written("coracle-02"), "    discovery: #{later.discovery_url}\n"
    refute_equal before, written("coracle-02", "environment")
    refute_includes written("coracle-03"), "proxy"
  end

  def test_when_the_first_machine_was_destroyed_the_members_are_named
    cluster.write(@user_data)
    cluster(ALL).destroyed("coracle-01", remaining: %w[coracle-02 coracle-03])
    later = cluster(%w[coracle-02 coracle-03], { "num_instances" => 4 })
    later.write(@user_data)
    assert later.seed_lost?
    refute File.exist?(File.join(@state, "coracle-01", "seed.yaml"))
    %w[coracle-01 coracle-04].each do |name|
      assert_includes written(name), "initial-cluster: coracle-02=http://192.168.56.102:2380,coracle-03=http://192.168.56.103:2380\n"
      assert_includes written(name), "    proxy: on\n"
    end
    # Those that were there keep what they booted with, and the new ones too, when they are there.
    assert_includes written("coracle-02"), "    discovery: #{later.discovery_url}\n"
    before = written("coracle-04")
    cluster(%w[coracle-01 coracle-02 coracle-03 coracle-04], { "num_instances" => 4 }).write(@user_data)
    assert_equal before, written("coracle-04")
  end

  def test_no_seed_for_user_data_that_finds_the_others_by_itself
    own = Coracle::UserData.new("#cloud-config\ncoreos:\n  etcd2:\n    discovery: http://10.0.0.9:2379/discovery/ab\n", "user-data")
    cluster.write(own)
    refute File.exist?(File.join(@state, "coracle-01", "seed.yaml"))
  end

  # The sample, and lines as people have them, in each of a machine's lives.
  def test_coracle_takes_what_machines_get
    coracle = ENV.fetch("CORACLE_BINARY", File.join(__dir__, "../../.build/debug/coracle"))
    skip "there is no #{coracle}" unless File.executable?(coracle)
    sample = File.read(File.join(__dir__, "../../Vagrant/user-data.sample"))
    old = sample.sub(/discovery:.*/, "discovery: https://discovery.etcd.io/<token>")
    [sample, old].each do |text|
      user_data = Coracle::UserData.new(text, "user-data")
      cluster.write(user_data)
      assert_taken(coracle, 4)
      cluster(ALL).destroyed("coracle-02", remaining: %w[coracle-01 coracle-03])
      cluster(%w[coracle-01 coracle-03]).write(user_data)
      assert_taken(coracle, 4)
      cluster(%w[coracle-01 coracle-03]).destroyed("coracle-01", remaining: %w[coracle-03])
      cluster(%w[coracle-03]).write(user_data)
      assert_taken(coracle, 3)
    end
  end

  def assert_taken(coracle, count)
    files = Dir[File.join(@state, "*", "{user-data,seed.yaml}")]
    assert_equal count, files.size
    files.each { |file| assert_equal "", IO.popen([coracle, "cloud-config", "validate", file], err: %i[child out], &:read) }
  end

  def test_addresses_do_not_change_under_a_cluster
    cluster.write(@user_data)
    error = assert_raises(Coracle::SettingError) { cluster(ALL, { "first_address" => "10.1.1.11" }) }
    assert_match(/was 192.168.56.101 when this cluster was made, and is now 10.1.1.11/, error.message)
  end

  def test_a_damaged_record_is_refused
    cluster.write(@user_data)
    short = { "token" => "x", "size" => 3, "first-address" => "192.168.56.101" }.to_json
    ["{", "[]", "{\"token\": \"#{"0" * 32}\"}", short].each do |text|
      File.write(File.join(@state, "cluster.json"), text)
      assert_match(/cluster.json is damaged/, assert_raises(Coracle::SettingError) { cluster(ALL) }.message)
    end
  end
end
