package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Dial connects from this process to an address inside the world. Names are
// the world's own: localhost and rave.local are 127.0.0.1 there.
func (w *World) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	address, err := literal(address)
	if err != nil {
		return nil, err
	}
	var conn net.Conn
	err = w.inNetwork(func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen opens a listener of this process inside the world, where the world's
// programs can reach it: a receiver of webhooks, for example.
func (w *World) Listen(network, address string) (net.Listener, error) {
	address, err := literal(address)
	if err != nil {
		return nil, err
	}
	var listener net.Listener
	err = w.inNetwork(func() (err error) {
		listener, err = net.Listen(network, address)
		return err
	})
	return listener, err
}

// HTTPClient speaks to the world's servers, and trusts its certificates.
// Connections are not kept: a world's servers come and go.
func (w *World) HTTPClient() *http.Client {
	transport := &http.Transport{DialContext: w.Dial, TLSClientConfig: w.tlsConfig(), DisableKeepAlives: true}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// Forward makes an address inside the world reachable from the host until
// Stop, on a port of 127.0.0.1 that it returns, so that a person can look.
func (w *World) Forward(address string) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("cannot forward to %s: %w", address, err)
	}
	w.onStop(func() { listener.Close() })
	go func() {
		for {
			outer, err := listener.Accept()
			if err != nil {
				return // closed by Stop
			}
			go w.relay(outer, address)
		}
	}()
	return listener.Addr().String(), nil
}

// relay copies between a connection of the host and an address of the world,
// until either side is done.
func (w *World) relay(outer net.Conn, address string) {
	defer outer.Close()
	inner, err := w.Dial(context.Background(), "tcp", address)
	if err != nil {
		return // the caller sees its connection closed, as with a dead server
	}
	defer inner.Close()
	var once sync.Once
	done := make(chan struct{})
	pipe := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		once.Do(func() { close(done) })
	}
	go pipe(inner, outer)
	go pipe(outer, inner)
	<-done
}

// literal replaces the names that the world's /etc/hosts knows: with an
// address, the socket is made on the calling thread and no other.
func literal(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("cannot reach %q in the world: want host:port: %w", address, err)
	}
	switch host {
	case "localhost", "rave.local", Hostname, VMHostHostname:
		host = "127.0.0.1"
	}
	if net.ParseIP(host) == nil {
		return "", fmt.Errorf("cannot reach %q in the world: want an IP address, localhost or rave.local", address)
	}
	return net.JoinHostPort(host, port), nil
}

// inNetwork calls do on a thread that stands in the world's network. A socket
// belongs for good to the network it was made in, so the thread can go back.
func (w *World) inNetwork(do func() error) error {
	runtime.LockOSThread()
	here, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("cannot find this thread's network: %w", err)
	}
	defer unix.Close(here)
	if err := enterNetwork(w.pid.Load()); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err = do()
	if back := unix.Setns(here, unix.CLONE_NEWNET); back != nil {
		// The thread stays locked and so is thrown away with this goroutine.
		return errors.Join(err, fmt.Errorf("cannot return from the world's network: %w", back))
	}
	runtime.UnlockOSThread()
	return err
}

func enterNetwork(pid int64) error {
	there, err := unix.Open(fmt.Sprintf("/proc/%d/ns/net", pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot find the world's network, is it running? %w", err)
	}
	defer unix.Close(there)
	if err := unix.Setns(there, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("cannot enter the world's network: %w", err)
	}
	return nil
}
