package testserver_test

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// echo is a server that answers with what it is sent.
func echo(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	go func() { // ends with the listener
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with its connection, which the end of the proxy closes
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, p *testserver.Proxy) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp4", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// roundTrip sends and receives, within a time.
func roundTrip(conn net.Conn, text string, within time.Duration) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	answer := make([]byte, len(text))
	n, err := io.ReadFull(conn, answer)
	return string(answer[:n]), err
}

func mustEcho(t *testing.T, conn net.Conn) {
	t.Helper()
	if got, err := roundTrip(conn, "hello", 10*time.Second); got != "hello" || err != nil {
		t.Fatalf("answer %q, %v, want hello", got, err)
	}
}

func TestProxyCut(t *testing.T) {
	t.Parallel()
	p := testserver.StartProxy(t, echo(t))
	conn := dial(t, p)
	mustEcho(t, conn)
	p.Cut()
	if _, err := roundTrip(conn, "hello", 10*time.Second); err == nil {
		t.Error("a connection survived the cut")
	}
	if _, err := net.Dial("tcp4", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial = %v while cut, want that it is refused", err)
	}
	p.Cut()
	p.Heal()
	mustEcho(t, dial(t, p))
	p.Heal()
	mustEcho(t, dial(t, p))
}

func TestProxyReset(t *testing.T) {
	t.Parallel()
	p := testserver.StartProxy(t, echo(t))
	conn := dial(t, p)
	mustEcho(t, conn)
	p.Reset()
	if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read = %v, want that the connection was reset", err)
	}
	mustEcho(t, dial(t, p))
}

func TestProxyStall(t *testing.T) {
	t.Parallel()
	p := testserver.StartProxy(t, echo(t))
	old := dial(t, p)
	mustEcho(t, old)
	p.Stall(true)
	p.Stall(true)
	conns := []net.Conn{old, dial(t, p)}
	for _, conn := range conns {
		got, err := roundTrip(conn, "hello", 100*time.Millisecond)
		if timeout, ok := errors.AsType[net.Error](err); got != "" || !ok || !timeout.Timeout() {
			t.Errorf("answer %q, %v while stalled, want a timeout", got, err)
		}
	}
	p.Stall(false)
	p.Stall(false)
	for _, conn := range conns {
		if got, err := roundTrip(conn, "again", 10*time.Second); got != "hello" || err != nil {
			t.Errorf("answer %q, %v, want what was sent while stalled", got, err)
		}
	}
	p.Stall(true)
	if _, err := io.WriteString(old, "hello"); err != nil {
		t.Fatal(err)
	}
	p.Cut() // does not wait for the end of the stall
	if rest, err := io.ReadAll(old); strings.Contains(string(rest), "hellohello") {
		t.Errorf("after the cut came %q, %v", rest, err)
	}
}

func TestProxyDelay(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	p := testserver.StartProxy(t, echo(t))
	conn := dial(t, p)
	p.Delay(delay)
	start := time.Now()
	mustEcho(t, conn)
	if took := time.Since(start); took < 2*delay {
		t.Errorf("a round trip took %s, want at least %s", took, 2*delay)
	}
	p.Delay(0)
}

// TestProxyClose has each end close in turn. What the other has sent still comes.
func TestProxyClose(t *testing.T) {
	t.Parallel()
	conn := dial(t, testserver.StartProxy(t, echo(t)))
	if _, err := io.WriteString(conn, "bye"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); string(got) != "bye" || err != nil {
		t.Errorf("answer %q, %v, want bye and then the end", got, err)
	}
}

// TestProxyWithoutServer has nobody listen behind the proxy.
func TestProxyWithoutServer(t *testing.T) {
	t.Parallel()
	server := testserver.StartRedis(t)
	p := testserver.StartProxy(t, server.Addr())
	server.Kill()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp4", p.Addr())
	if err == nil {
		defer func() { _ = conn.Close() }()
		_, err = roundTrip(conn, "PING\r\n", 10*time.Second)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want that the connection is reset at once", err)
	}
}

// TestUnknownOutcome loses the answer to a COMMIT, or the COMMIT itself. To the
// client it looks the same.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	commits := func(fromClient []byte) bool { return bytes.Contains(bytes.ToLower(fromClient), []byte("commit")) }
	eachSQL(t, func(t *testing.T, k sqlKind) {
		server := k.start(t)
		dsn := server.Database(t)
		execute(t, open(t, k.driver, dsn), "CREATE TABLE n (i int)", "INSERT INTO n VALUES (1)")
		p := testserver.StartProxy(t, server.Addr())
		db := open(t, k.driver, strings.Replace(dsn, server.Addr(), p.Addr(), 1))

		p.CutWhen(commits)
		if err := insert(t, db, 2); err == nil {
			t.Error("Commit = nil, want that its answer is lost")
		}
		p.CutWhen(nil)
		if got := sum(t, k.driver, dsn); got != 1+2 {
			t.Errorf("the sum is %d, want 3: the server got the COMMIT", got)
		}
		p.DropWhen(commits)
		if err := insert(t, db, 4); err == nil {
			t.Error("Commit = nil, want that it is lost")
		}
		p.DropWhen(nil)
		if got := sum(t, k.driver, dsn); got != 1+2 {
			t.Errorf("the sum is %d, want 3: the server never got the COMMIT", got)
		}
		if err := insert(t, db, 8); err != nil {
			t.Errorf("Commit = %v after all hooks are gone, want nil", err)
		}
	})
}

func insert(t *testing.T, db *sql.DB, n int) error {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO n VALUES ("+strconv.Itoa(n)+")"); err != nil {
		t.Fatal(err)
	}
	return tx.Commit()
}

// TestUnknownOutcomeOfRedis is the same without transactions.
func TestUnknownOutcomeOfRedis(t *testing.T) {
	t.Parallel()
	server := testserver.StartRedis(t)
	p := testserver.StartProxy(t, server.Addr())
	sets := func(fromClient []byte) bool { return bytes.Contains(fromClient, []byte("$3\r\nset\r\n")) }
	for key, hook := range map[string]func(func([]byte) bool){"executed": p.CutWhen, "dropped": p.DropWhen} {
		c := client(t, p.Addr())
		if err := c.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		hook(sets)
		if err := c.Set(t.Context(), key, "value", 0).Err(); err == nil {
			t.Errorf("SET = nil, want that its answer is lost")
		}
		hook(nil)
		if err := c.Ping(t.Context()).Err(); err != nil {
			t.Errorf("a new connection: %v", err)
		}
		if got, want := has(t, client(t, server.Addr()), key), key == "executed"; got != want {
			t.Errorf("the key %s is there: %t, want %t", key, got, want)
		}
	}
}
