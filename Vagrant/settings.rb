# SPDX-License-Identifier: Apache-2.0
# What the user may set: in config.rb, by coreos-vagrant's names or ours, or in the environment. Plain Ruby, no Vagrant.

require "ipaddr"

module Coracle
  # A setting that cannot be used. The message names the setting and says what to do.
  class SettingError < StandardError; end

  # Settings, checked. The environment wins over config.rb, so that one command can differ from the file.
  class Settings
    # Names of globals that config.rb may set.
    GLOBALS = %w[
      num_instances instance_name_prefix box box_version
      vm_gui vm_memory vm_cpus vb_gui vb_memory vb_cpus vb_cpuexecutioncap
      forwarded_ports shared_folders share_home expose_docker_tcp enable_serial_logging
      first_address store_size coracle_binary coracle_deb
      docker_image docker_socket docker_arguments libvirt_driver
    ].freeze

    # Names that meant something to coreos-vagrant and mean nothing here, with the reason.
    RETIRED = {
      "update_channel" => "machines run the coracle that you built; there are no channels",
      "image_version" => "set $box_version for the version of the box",
      "new_discovery_url" => "tokens are made here, without a service on the Internet",
    }.freeze

    MOST_MACHINES = 50

    attr_reader :count, :prefix, :first_address, :box, :box_version, :memory, :cpus, :gui, :cpu_cap,
                :forwarded_ports, :shared_folders, :docker_tcp_port, :serial_logging, :store_size,
                :binary, :package, :docker_image, :docker_socket, :docker_arguments, :libvirt_driver, :notes

    # globals: values by name without "$"; environment: ENV or alike; directory: where the Vagrantfile lies.
    def initialize(globals, environment, directory)
      @globals = globals
      @environment = environment
      @directory = directory
      @notes = RETIRED.select { |name, _| globals[name] }.map { |name, reason| "$#{name} has no effect: #{reason}" }
      read_machines
      read_hardware
      read_exposure
      read_software
      read_providers
    end

    # Address of the machine with that number, counted from 1.
    def address(number)
      IPAddr.new(first_address.to_i + number - 1, Socket::AF_INET).to_s
    end

    private

    def read_machines
      @count = number("num_instances", %w[CORACLE_NODES NUM_INSTANCES], 3, 1..MOST_MACHINES)
      @prefix = text("instance_name_prefix", %w[CORACLE_PREFIX], "coracle")
      unless @prefix.match?(/\A[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?\z/i)
        refuse("instance_name_prefix", "\"#{@prefix}\" does not make host names; use letters, digits and \"-\"")
      end
      @first_address = read_first_address
      @store_size = number("store_size", %w[CORACLE_STORE_SIZE], nil, 1..9)
      return unless @store_size && @store_size > @count
      refuse("store_size", "#{@store_size} members need as many machines, and there are #{@count}")
    end

    def read_first_address
      given = text("first_address", %w[CORACLE_FIRST_ADDRESS], "192.168.56.101")
      address = begin
        IPAddr.new(given)
      rescue IPAddr::Error
        nil
      end
      unless address&.ipv4? && !given.include?("/")
        refuse("first_address", "\"#{given}\" is not an IPv4 address such as 192.168.56.101")
      end
      last_octet = address.to_i & 0xff
      if last_octet < 2 || last_octet + @count - 1 > 254
        refuse("first_address", "#{@count} machines from #{given} on do not fit between .2 and .254 of one network")
      end
      address
    end

    def read_hardware
      @memory = number(first_set("vb_memory", "vm_memory"), %w[CORACLE_MEMORY], 1024, 256..1_048_576)
      @cpus = number(first_set("vb_cpus", "vm_cpus"), %w[CORACLE_CPUS], 1, 1..256)
      @gui = flag(first_set("vb_gui", "vm_gui"), false)
      @cpu_cap = number("vb_cpuexecutioncap", [], 100, 1..100)
    end

    def read_exposure
      @forwarded_ports = hash("forwarded_ports").to_h { |guest, host| [port("forwarded_ports", guest), port("forwarded_ports", host)] }
      @shared_folders = hash("shared_folders").to_h { |host, guest| [host.to_s, guest.to_s] }
      home = @environment["HOME"]
      @shared_folders[home] = home if flag("share_home", false) && home
      @docker_tcp_port = @globals["expose_docker_tcp"] && port("expose_docker_tcp", @globals["expose_docker_tcp"])
      @serial_logging = flag("enable_serial_logging", false)
    end

    def read_software
      @binary = path("coracle_binary", %w[CORACLE_BINARY], "../.build/release/coracle")
      @package = path("coracle_deb", %w[CORACLE_DEB], nil)
      @box = text("box", %w[CORACLE_BOX], "debian/bookworm64")
      @box_version = text("box_version", [], nil)
    end

    def read_providers
      @docker_image = text("docker_image", %w[CORACLE_IMAGE], "coracle-machine")
      @docker_socket = text("docker_socket", [], nil)
      @docker_arguments = @globals["docker_arguments"] || []
      unless @docker_arguments.is_a?(Array) && @docker_arguments.all?(String)
        refuse("docker_arguments", "#{@docker_arguments.inspect} is not of the form [\"--cap-add\", \"NET_ADMIN\"]")
      end
      @libvirt_driver = text("libvirt_driver", %w[CORACLE_LIBVIRT_DRIVER], nil)
      return if [nil, "kvm", "qemu"].include?(@libvirt_driver)
      refuse("libvirt_driver", "\"#{@libvirt_driver}\" is neither kvm nor qemu")
    end

    # The first of these names that is set, else the last.
    def first_set(*names)
      names.find { |name| !@globals[name].nil? } || names.last
    end

    def given(name, variables)
      variable = variables.find { |key| @environment[key] && !@environment[key].empty? }
      variable ? [variable, @environment[variable]] : ["$#{name} in config.rb", @globals[name]]
    end

    def number(name, variables, default, range)
      source, value = given(name, variables)
      return default if value.nil?
      result = Integer(value, exception: false) || (Integer(value, 10, exception: false) if value.is_a?(String))
      return result if result && range.cover?(result)
      raise SettingError, "#{source}: #{value.inspect} is not a number from #{range.first} to #{range.last}"
    end

    def text(name, variables, default)
      source, value = given(name, variables)
      return default if value.nil?
      return value if value.is_a?(String) && !value.empty?
      raise SettingError, "#{source}: #{value.inspect} is not a text"
    end

    def path(name, variables, default)
      value = text(name, variables, default)
      value && File.expand_path(value, @directory)
    end

    def flag(name, default)
      value = @globals[name]
      return default if value.nil?
      return value if [true, false].include?(value)
      refuse(name, "#{value.inspect} is neither true nor false")
    end

    def hash(name)
      value = @globals[name]
      return {} if value.nil?
      return value if value.is_a?(Hash)
      refuse(name, "#{value.inspect} is not of the form { 8080 => 8080 }")
    end

    def port(name, value)
      result = Integer(value, exception: false)
      return result if result && (1..65_535).cover?(result)
      refuse(name, "#{value.inspect} is not a port from 1 to 65535")
    end

    def refuse(name, problem)
      raise SettingError, "$#{name}: #{problem}"
    end
  end
end
