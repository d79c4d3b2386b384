# SPDX-License-Identifier: Apache-2.0
require "minitest/autorun"
require "socket"
require_relative "../../Vagrant/settings"

class SettingsTest < Minitest::Test
  def settings(globals = {}, environment = {})
    Coracle::Settings.new(globals, environment, "/project/Vagrant")
  end

  def refusal(globals = {}, environment = {})
    assert_raises(Coracle::SettingError) { settings(globals, environment) }.message
  end

  def test_what_holds_when_nothing_is_set
    plain = settings
    assert_equal [3, "coracle", 1024, 1], [plain.count, plain.prefix, plain.memory, plain.cpus]
    assert_equal %w[192.168.56.101 192.168.56.103], [plain.address(1), plain.address(3)]
    assert_equal "/project/.build/release/coracle", plain.binary
    assert_nil plain.package
  end

  def test_names_of_coreos_vagrant_are_understood
    old = settings(
      "num_instances" => 5, "instance_name_prefix" => "core", "vm_memory" => 512, "vm_cpus" => 2, "vm_gui" => true,
      "forwarded_ports" => { 80 => 8080 }, "shared_folders" => { "/a" => "/b" }, "expose_docker_tcp" => 2375,
      "enable_serial_logging" => true, "vb_cpuexecutioncap" => 50
    )
    assert_equal [5, "core", 512, 2, true], [old.count, old.prefix, old.memory, old.cpus, old.gui]
    assert_equal [{ 80 => 8080 }, { "/a" => "/b" }, 2375, true, 50],
                 [old.forwarded_ports, old.shared_folders, old.docker_tcp_port, old.serial_logging, old.cpu_cap]
  end

  def test_the_older_names_win_over_the_newer
    assert_equal 2048, settings("vb_memory" => 2048, "vm_memory" => 512).memory
  end

  def test_the_environment_wins_over_the_file
    both = settings({ "num_instances" => 5, "box" => "a/b" }, { "CORACLE_NODES" => "4", "CORACLE_BOX" => "mine" })
    assert_equal [4, "mine"], [both.count, both.box]
    assert_equal 7, settings({}, { "NUM_INSTANCES" => "7" }).count
    assert_equal 8, settings({}, { "CORACLE_NODES" => "08" }).count
  end

  def test_the_home_directory_is_shared_when_that_is_asked_for
    assert_equal({ "/home/me" => "/home/me" }, settings({ "share_home" => true }, { "HOME" => "/home/me" }).shared_folders)
  end

  def test_what_has_lost_its_meaning_is_told
    assert_match(/\$update_channel has no effect/, settings("update_channel" => "alpha").notes.join)
  end

  def test_refusals_name_the_setting
    assert_match(/CORACLE_NODES: "many" is not a number from 1 to 50/, refusal({}, { "CORACLE_NODES" => "many" }))
    assert_match(/\$num_instances in config.rb: 0 is not/, refusal("num_instances" => 0))
    assert_match(/\$instance_name_prefix: "core_" does not make host names/, refusal("instance_name_prefix" => "core_"))
    assert_match(/\$forwarded_ports: 70000 is not a port/, refusal("forwarded_ports" => { 80 => 70_000 }))
    assert_match(/\$forwarded_ports: \[80\] is not of the form/, refusal("forwarded_ports" => [80]))
    assert_match(/\$share_home: "yes" is neither true nor false/, refusal("share_home" => "yes"))
    assert_match(/\$store_size: 5 members need as many machines, and there are 3/, refusal("store_size" => 5))
    assert_match(/\$docker_arguments: "--privileged" is not of the form/, refusal("docker_arguments" => "--privileged"))
    assert_match(/\$libvirt_driver: "xen" is neither/, refusal("libvirt_driver" => "xen"))
  end

  def test_addresses_stay_in_one_network
    assert_match(/"172.17.8" is not an IPv4 address/, refusal("first_address" => "172.17.8"))
    assert_match(/is not an IPv4 address/, refusal("first_address" => "192.168.56.0/24"))
    assert_match(/3 machines from 10.0.0.253 on do not fit/, refusal("first_address" => "10.0.0.253"))
    assert_equal "10.0.0.254", settings("first_address" => "10.0.0.252").address(3)
  end
end
