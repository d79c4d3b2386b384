# SPDX-License-Identifier: Apache-2.0
# What the Vagrantfile decides: machines with their names and addresses, the token they meet by, and the files each of
# them gets. Plain Ruby, no Vagrant.

require "fileutils"
require "json"
require "securerandom"
require_relative "settings"
require_relative "user_data"

module Coracle
  Machine = Struct.new(:number, :name, :address, :autostart)

  # One cluster of machines. What must outlive a command stands in cluster.json below the state directory.
  class Cluster
    # Ports of the store on the first machine in which the token is kept.
    SEED_CLIENT_PORT = 7379
    SEED_PEER_PORT = 7380

    attr_reader :settings, :machines

    # state: directory for generated files; existing: names of machines that Vagrant knows already.
    def initialize(settings, state:, existing: [])
      @settings = settings
      @state = state
      @existing = existing
      # Without machines there is no cluster yet, whatever an earlier command wrote.
      @record = existing.empty? ? new_record : read_record
      @machines = list_machines(existing)
    end

    # Members of the store: an odd number, so that each lost machine is one that can be spared.
    def size
      @record["size"]
    end

    def token
      @record["token"]
    end

    # Whether the token's store went with the first machine, so that new machines must be told the members.
    def seed_lost?
      late?(machine(1))
    end

    # The URL that all user-data of this cluster holds, spelled the same everywhere.
    def discovery_url
      "http://#{address_of_first}:#{SEED_CLIENT_PORT}/discovery/#{token}"
    end

    # Files for one machine, by name.
    def files(machine, user_data)
      files = {
        "user-data" => user_data.copy(
          settings: store_settings(machine), public_address: machine.address, private_address: machine.address
        ),
        "environment" => environment(machine),
      }
      files["seed.yaml"] = seed_user_data(machine) if seed?(machine, user_data)
      files["token"] = "#{token} #{size}\n" if seed?(machine, user_data)
      files
    end

    # Directory that holds a machine's files.
    def directory(machine)
      File.join(@state, machine.name)
    end

    # Writes record and files, for every machine.
    def write(user_data)
      if seed_lost?
        @record["latecomers"] |= machines.map(&:name) - @existing
      end
      all = machines.to_h { |machine| [machine, files(machine, user_data)] }
      FileUtils.mkdir_p(@state)
      save # with the ids that were just made
      all.each do |machine, wanted|
        FileUtils.mkdir_p(directory(machine))
        (Dir.children(directory(machine)) - wanted.keys).each { |name| File.delete(File.join(directory(machine), name)) }
        wanted.each { |name, text| replace(File.join(directory(machine), name), text) }
      end
    end

    # To be called when a machine was destroyed. With the last one the cluster is over, and the next one gets a new token.
    # A machine whose data is gone cannot take its old place in the store: its next life is a worker's.
    def destroyed(name, remaining:)
      if remaining.empty?
        FileUtils.rm_rf(@state)
        @record = new_record
        return
      end
      return unless machines.any? { |machine| machine.name == name }
      @record["latecomers"] |= [name]
      @record["machine-ids"].delete(name)
      save
    end

    private

    def list_machines(existing)
      numbers = (1..settings.count).to_a
      # Machines made with a larger count stay known, so that they can be halted and destroyed.
      pattern = /\A#{Regexp.escape(settings.prefix)}-(\d{2,})\z/
      older = existing.filter_map { |name| name[pattern, 1]&.to_i }.reject { |number| numbers.include?(number) }
      (numbers + older.select { |number| number.between?(1, Settings::MOST_MACHINES) }.sort).map do |number|
        Machine.new(number, name_of(number), settings.address(number), number <= settings.count)
      end
    end

    def name_of(number)
      format("%s-%02d", settings.prefix, number)
    end

    def machine(number)
      machines.find { |machine| machine.number == number }
    end

    def address_of_first
      @record["first-address"]
    end

    # Machines that were made when the token had served its purpose: they are workers until they are promoted.
    def late?(machine)
      @record["latecomers"].include?(machine.name)
    end

    def seed?(machine, user_data)
      machine.number == 1 && !seed_lost? && !user_data.own_way?
    end

    def store_settings(machine)
      common = { "name" => machine.name }
      return common.merge("discovery" => discovery_url) unless late?(machine)
      common["proxy"] = "on"
      return common.merge("discovery" => discovery_url) unless seed_lost?
      common.merge("discovery" => nil, "initial-cluster" => members_but(machine))
    end

    # Where members of the store are, those first of all that never were anything else.
    def members_but(machine)
      others = ((1..size).to_a - [machine.number]).map { |number| Machine.new(number, name_of(number), settings.address(number)) }
      first = others.reject { |other| late?(other) }
      (first.empty? ? others : first).map { |member| "#{member.name}=http://#{member.address}:2380" }.join(",")
    end

    def environment(machine)
      @record["machine-ids"][machine.name] ||= SecureRandom.hex(16)
      <<~TEXT
        COREOS_PUBLIC_IPV4=#{machine.address}
        COREOS_PRIVATE_IPV4=#{machine.address}
        CORACLE_NODE_MACHINE_ID=#{@record['machine-ids'][machine.name]}
      TEXT
    end

    def seed_user_data(machine)
      client = "http://#{machine.address}:#{SEED_CLIENT_PORT}"
      peer = "http://#{machine.address}:#{SEED_PEER_PORT}"
      <<~TEXT
        #cloud-config
        # A store of one member that holds the token. The machines find each other by it.
        coreos:
          etcd2:
            name: seed
            initial-cluster: seed=#{peer}
            initial-advertise-peer-urls: #{peer}
            listen-peer-urls: #{peer}
            advertise-client-urls: #{client}
            listen-client-urls: #{client}
          units:
            - name: etcd2.service
              command: start
      TEXT
    end

    def record_path
      File.join(@state, "cluster.json")
    end

    def new_record
      {
        "token" => SecureRandom.hex(16),
        "size" => settings.store_size || (settings.count < 3 ? 1 : 3),
        "first-address" => settings.address(1),
        "latecomers" => [],
        "machine-ids" => {},
      }
    end

    def read_record
      return new_record unless File.exist?(record_path)
      record = JSON.parse(File.read(record_path))
      unless record.is_a?(Hash) && record["token"].to_s.match?(/\A\h{32}\z/) && record["size"].is_a?(Integer)
        raise SettingError, "#{record_path} is damaged: destroy the machines and remove it"
      end
      if record["first-address"] != settings.address(1)
        raise SettingError, "the first address was #{record['first-address']} when this cluster was made, and is now " \
                            "#{settings.address(1)}: set it back, or `vagrant destroy` first"
      end
      new_record.merge(record)
    rescue JSON::ParserError
      raise SettingError, "#{record_path} is damaged: destroy the machines and remove it"
    end

    def save
      replace(record_path, "#{JSON.pretty_generate(@record)}\n")
    end

    # A file is there whole or as it was: a second `vagrant` may be reading it.
    def replace(path, text)
      return if File.exist?(path) && File.read(path) == text
      temporary = "#{path}.#{Process.pid}"
      File.write(temporary, text)
      File.rename(temporary, path)
    end
  end
end
