# A Homebrew formula, played through without brew: its commands run as they
# stand, in a folder, with the arguments that brew gives cmake; then its test.
# usage: ruby brew.rb FORMULA.rb SOURCE_FOLDER
require "fileutils"
require "open3"
require "pathname"
require "shellwords"
require "socket"
require "tmpdir"

ROOT = Pathname(Dir.mktmpdir)
# What formulae take for granted of brew.
class Pathname
  def install(*names)
    mkpath
    names.each { |name| FileUtils.cp(name, self) unless (self/name).exist? }
  end

  def write(text)
    dirname.mkpath
    File.write(to_s, text)
  end
end

class Service
  attr_reader :command

  def initialize(formula, block)
    @formula = formula
    instance_eval(&block)
  end

  def run(command)
    @command = command.map(&:to_s)
  end

  def keep_alive(always)
    raise "keep_alive: #{always}" unless [true, false].include?(always)
  end

  def log_path(path)
    raise "#{path} is not below var" unless path.to_s.start_with?(var.to_s)
  end
  alias error_log_path log_path

  %i[opt_bin etc var].each do |name|
    define_method(name) { @formula.public_send(name) }
  end
end

class Formula
  class << self
    attr_reader :described, :dependencies, :licensed, :head_url, :service_block,
                :test_block

    def desc(text) = @described = text
    def license(text) = @licensed = text
    def head(url, **) = @head_url = url
    def service(&block) = @service_block = block
    def test(&block) = @test_block = block

    def depends_on(what)
      (@dependencies ||= []) << (what.is_a?(Hash) ? what.keys.first : what)
    end
  end

  attr_reader :version

  def initialize(version) = @version = version
  def prefix = ROOT/"Cellar/lowport"
  def bin = prefix/"bin"
  def opt_bin = bin
  def etc = ROOT/"etc"
  def var = ROOT/"var"
  def buildpath = ROOT/"build"
  def testpath = ROOT/"test"

  def std_cmake_args
    %W[-DCMAKE_INSTALL_PREFIX=#{prefix} -DCMAKE_INSTALL_LIBDIR=lib
       -DCMAKE_BUILD_TYPE=Release -DCMAKE_FIND_FRAMEWORK=LAST
       -DCMAKE_VERBOSE_MAKEFILE=ON -Wno-dev -DBUILD_TESTING=OFF]
  end

  def system(*words)
    out, status = Open3.capture2e(*words.map(&:to_s))
    raise "#{words.shelljoin} failed:\n#{out}" unless status.success?
  end

  def shell_output(line)
    out, status = Open3.capture2(line)
    raise "#{line} ended with #{status.exitstatus}" unless status.success?
    out
  end

  def free_port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }

  # As brew does it, which runs a test in a folder of its own.
  def spawn(*words)
    # brew never is root, which lowport refuses to be.
    ordinary = %w[setpriv --reuid=65534 --regid=65534 --clear-groups]
    words = ordinary + words if Process.uid.zero? && words[0] == bin/"lowport"
    Process.spawn(*words.map(&:to_s), err: (ROOT/"log").to_s)
  end

  def assert_match(what, text)
    raise "\"#{what}\" is not in:\n#{text}" unless text.include?(what)
  end

  def assert_equal(wanted, got)
    raise "\"#{got}\" is not \"#{wanted}\"" unless wanted == got
  end
end

def check(what)
  raise "#{what}: no" unless yield
  puts "ok      #{what}"
end

# The rows of ./dev that say what brew has to install for a build.
def needed(source)
  rows = (source/"dev").readlines.map(&:split)
  rows.select { |row| row[0] == "build" && row[1]&.start_with?("pc:") }
      .map { |row| row[4] } - %w[cmocka -]
end

def play(file, source)
  load file.to_s
  version = (source/"CMakeLists.txt").read[/VERSION (\d+\.\d+\.\d+)/, 1]
  formula = Lowport.new(version)
  check("it says what it is") do
    Lowport.described.size.between?(10, 80) && Lowport.licensed == "MIT" &&
      Lowport.head_url == "file://#{source}"
  end
  missing = needed(source) - Lowport.dependencies
  check("it depends on what ./dev installs#{missing}") { missing.empty? }

  ROOT.chmod(0o755)
  FileUtils.mkpath([formula.buildpath, formula.testpath, formula.etc])
  left = %w[. .. .git build]
  FileUtils.cp_r((Dir.entries(source) - left).map { |name| source/name },
                 formula.buildpath)
  Dir.chdir(formula.buildpath) { formula.install }
  check("its steps build and install") { (formula.bin/"lowport").executable? }
  %w[man/man1/lowport.1 zsh/site-functions/_lowport
     bash-completion/completions/lowport
     fish/vendor_completions.d/lowport.fish].each do |name|
    check("it brings #{name}") { (formula.prefix/"share"/name).file? }
  end

  service = Service.new(formula, Lowport.service_block)
  check("its service runs the program") do
    File.executable?(service.command.first) &&
      File.file?(service.command.last)
  end
  if formula.shell_output("#{formula.bin}/lowport --help").include?("  check ")
    formula.system(service.command.first, "check", "-c", service.command.last)
    puts "ok      its configuration is right"
  end

  Dir.chdir(formula.testpath) { formula.instance_eval(&Lowport.test_block) }
  puts "ok      its test, with the program that it has installed"
end

begin
  play(Pathname(ARGV[0]).expand_path, Pathname(ARGV[1]).expand_path)
rescue StandardError => e
  puts "FAILED  #{e.message}"
  puts (ROOT/"log").read if (ROOT/"log").exist?
  exit 1
ensure
  FileUtils.rm_rf(ROOT)
end
