package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"nightshift/alerts/webhook"
)

// dribble holds connections whose requests never end: a byte of a header each
// second. One that was closed is opened again a second later.
func dribble(ctx context.Context, _ chan<- error) {
	var all sync.WaitGroup
	for n := range slowClients {
		all.Go(func() {
			pause(ctx, time.Duration(n)*time.Second/slowClients)
			for ctx.Err() == nil {
				dribbleOnce(ctx)
				pause(ctx, time.Second)
			}
		})
	}
	all.Wait()
}

func dribbleOnce(ctx context.Context) {
	conn, err := net.Dial("tcp", agentAddr)
	if err != nil {
		return // that is what it is there for
	}
	defer conn.Close()
	next := []byte("POST " + webhook.Path + " HTTP/1.1\r\nHost: bench\r\nX-Slow: ")
	for ctx.Err() == nil {
		if _, err := conn.Write(next); err != nil {
			return
		}
		next = []byte("a")
		pause(ctx, time.Second)
	}
}

// gorge sends bodies that are far too long, one after the other over the time of
// good traffic; every other one does not say how long it is.
func gorge(ctx context.Context, errs chan<- error) {
	var all sync.WaitGroup
	for n := range greedyClients {
		all.Go(func() {
			pause(ctx, attackFirst+time.Duration(n)*goodFor/greedyClients)
			status := gorgeOnce(ctx, n%2 == 0)
			if status != 0 && status != http.StatusRequestEntityTooLarge && status != http.StatusServiceUnavailable {
				errs <- fmt.Errorf("a body of %d bytes was answered %d", greedyBody, status)
			}
		})
	}
	all.Wait()
}

// gorgeOnce returns the status of the answer, 0 if the connection was closed
// before one could be read.
func gorgeOnce(ctx context.Context, chunked bool) int {
	conn, err := net.Dial("tcp", agentAddr)
	if err != nil {
		return 0
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	go writeTooMuch(conn, chunked)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// writeTooMuch writes a body until the connection is closed.
func writeTooMuch(conn net.Conn, chunked bool) {
	length := fmt.Sprintf("Content-Length: %d", greedyBody)
	if chunked {
		length = "Transfer-Encoding: chunked"
	}
	const size = 64 << 10
	piece := bytes.Repeat([]byte(" "), size)
	if chunked {
		piece = append(fmt.Appendf(nil, "%x\r\n", size), append(piece, "\r\n"...)...)
	}
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n%s\r\n\r\n", webhook.Path, length)
	for written := 0; err == nil && written < greedyBody; written += size {
		_, err = conn.Write(piece)
	}
}

// repeat sends the same webhook again and again; it is for the dispatcher, whose
// probe agrees.
func (s *siege) repeat(ctx context.Context, errs chan<- error) {
	again := webhookRequest(notification(firing(dispatcherAlert, dispatcher, 0)))
	_, err := pace{
		addr: agentAddr, senders: 4, rate: repeats / int(goodFor/time.Second+1), count: repeats, request: func(int) []byte { return again },
	}.run(ctx)
	if err != nil && ctx.Err() == nil {
		errs <- err
	}
}
