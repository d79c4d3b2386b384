# SPDX-License-Identifier: Apache-2.0
# A machine's copy of the user-data: the user's text with the discovery URL, a member name and the addresses put in.
# Lines are changed in place, so comments and order stay. Plain Ruby, no Vagrant.

require "psych"

module Coracle
  # User-data that cannot be used. The message names the file, the line where known, and what to do.
  class UserDataError < StandardError; end

  # The user's user-data.
  class UserData
    HEADER = "#cloud-config"
    LIMIT_BYTES = 1 << 20
    # Ways of finding the other members that a user may have chosen already.
    OWN_WAYS = %w[initial-cluster discovery-srv].freeze

    # text: contents; name: what error messages call it.
    def initialize(text, name)
      @name = name
      fail_at(nil, "is larger than #{LIMIT_BYTES} bytes") if text.bytesize > LIMIT_BYTES
      @text = text.dup.force_encoding(Encoding::UTF_8)
      fail_at(nil, "is not UTF-8") unless @text.valid_encoding?
      @text = @text.gsub("\r\n", "\n")
      fail_at(1, "does not begin with #{HEADER}: make that its first line") unless @text.lines.first.to_s.rstrip == HEADER
      sections # reports what cannot be read
    end

    # Whether the text finds the other members in a way of its own, so that it needs no token of ours.
    def own_way?
      sections.any? do |section|
        OWN_WAYS.any? { |key| filled?(value(section, key)) } ||
          (filled?(value(section, "discovery")) && !replaceable?(value(section, "discovery").value))
      end
    end

    # Copy for one machine. settings: keys of coreos.etcd2 that are put in, such as "discovery" and "proxy"; one that the
    # text has stays, unless it is empty or a placeholder; nil takes the placeholder out.
    def copy(settings:, public_address:, private_address:)
      text = own_way? ? @text : with_settings(settings)
      text = text.gsub(/(?<!\\)\$public_ipv4/, public_address)
      text.gsub(/(?<!\\)\$private_ipv4/, private_address)
    end

    private

    Edit = Struct.new(:line, :column, :end_line, :end_column, :text)

    # A URL of the public service that is gone, or a text for the user to fill in.
    def replaceable?(url)
      url.strip.empty? || url.match?(/[<>]/) || url.match?(%r{\Ahttps?://discovery\.etcd\.io(/|\z)})
    end

    def filled?(node)
      node.is_a?(Psych::Nodes::Scalar) && !["", "~", "null"].include?(node.value.strip)
    end

    def with_settings(settings)
      found = sections
      fail_at(nil, "has no coreos.etcd2 section: add one, as user-data.sample has it") if found.empty?
      edits = found.flat_map { |section| edits(section, settings) }
      apply(edits.compact)
    end

    def edits(section, settings)
      missing = {}
      changes = settings.map do |key, wanted|
        node = value(section, key)
        if node.nil?
          missing[key] = wanted if wanted
          nil
        elsif !filled?(node) || (key == "discovery" && replaceable?(node.value))
          # An empty value stands right behind the colon or what follows it.
          blank = node.start_line == node.end_line && node.start_column == node.end_column
          Edit.new(node.start_line, node.start_column, node.end_line, node.end_column, blank && wanted ? " #{wanted}" : wanted.to_s)
        end
      end
      changes + [insertion(section, missing)]
    end

    def insertion(section, missing)
      return if missing.empty?
      if section.style == Psych::Nodes::Mapping::FLOW
        text = missing.map { |key, wanted| "#{key}: \"#{wanted}\"" }.join(", ")
        text += ", " unless section.children.empty?
        return Edit.new(section.start_line, section.start_column + 1, section.start_line, section.start_column + 1, text)
      end
      first = section.children.first
      indent = " " * first.start_column
      text = missing.map { |key, wanted| "#{key}: #{wanted}\n#{indent}" }.join
      Edit.new(first.start_line, first.start_column, first.start_line, first.start_column, text)
    end

    def apply(edits)
      lines = @text.lines
      edits.sort_by { |edit| [edit.line, edit.column] }.reverse_each do |edit|
        fail_at(edit.line + 1, "has a discovery URL over several lines: write it on one") if edit.line != edit.end_line
        lines[edit.line] = "\n" if lines[edit.line].nil?
        lines[edit.line][edit.column...edit.end_column] = edit.text
      end
      lines.join
    end

    # The mappings below coreos that configure the store: etcd2, and etcd of older files.
    def sections
      @sections ||= begin
        root = (Psych.parse(@text) || nil)&.root
        fail_at(2, "has no settings below its first line") unless root.is_a?(Psych::Nodes::Mapping)
        coreos = value(root, "coreos")
        %w[etcd2 etcd].map { |key| coreos && value(coreos, key) }.grep(Psych::Nodes::Mapping)
      end
    rescue Psych::SyntaxError => e
      fail_at(e.line, "is not YAML: #{e.problem} #{e.context}".rstrip)
    end

    # Keys are the same with "-" and "_".
    def value(mapping, key)
      return unless mapping.is_a?(Psych::Nodes::Mapping)
      pair = mapping.children.each_slice(2).find { |name, _| name.is_a?(Psych::Nodes::Scalar) && name.value.tr("_", "-") == key }
      pair&.last
    end

    def fail_at(line, problem)
      raise UserDataError, "#{[@name, line].compact.join(':')}: #{problem}"
    end
  end
end
