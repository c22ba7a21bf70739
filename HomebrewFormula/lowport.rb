class Lowport < Formula
  desc "Relay TCP from a privileged port on one interface, without root"
  license "MIT"
  # There is no release yet: what is built is the checkout that this file is in,
  # the tap itself for whoever has tapped it (brew install --HEAD lowport).
  head "file://#{File.expand_path("..", __dir__)}", using: :git, branch: "main"

  depends_on "cmake" => :build
  depends_on "pkgconf" => :build
  depends_on "cjson"
  depends_on "inih"
  depends_on "libmicrohttpd"
  depends_on "libplist"
  depends_on "libuv"

  def install
    system "cmake", "-S", ".", "-B", "build", "-DBUILD_TESTING=OFF", *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
    # A configuration that is there already stays as it is.
    (buildpath/"lowport.conf").write <<~CONF
      # What `brew services start lowport` relays; see lowport.conf(5).
      [relay web]
      listen = 127.0.0.1:8000
      to = 127.0.0.1:8080
    CONF
    etc.install "lowport.conf"
  end

  service do
    run [opt_bin/"lowport", "run", "-c", etc/"lowport.conf"]
    keep_alive true
    log_path var/"log/lowport.log"
    error_log_path var/"log/lowport.log"
  end

  def caveats
    <<~EOS
      brew services starts lowport with #{etc}/lowport.conf.
      For a port below 1024 on one address, let launchd hold it, without sudo:
        lowport install --listen 127.0.0.1:80 --to 127.0.0.1:8080
    EOS
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/lowport --version")
    assert_match "--listen", shell_output("#{bin}/lowport completions bash")

    (testpath/"page").write "carried by lowport"
    to = free_port
    from = free_port
    server = spawn "python3", "-m", "http.server", "--bind", "127.0.0.1", to.to_s
    relay = spawn bin/"lowport", "run", "--listen", "127.0.0.1:#{from}",
                  "--to", "127.0.0.1:#{to}", "--wait-for-backend", "30s"
    page = shell_output("curl -sS --noproxy '*' --retry 30 --retry-connrefused " \
                        "--retry-delay 1 http://127.0.0.1:#{from}/page")
    assert_equal "carried by lowport", page
  ensure
    [relay, server].compact.each do |pid|
      Process.kill "TERM", pid
      Process.wait pid
    end
  end
end
