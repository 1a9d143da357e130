package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// post is a command of the scripts: post FILE URL posts a webhook as Alertmanager
// does, again for as long as nobody answers, and prints the answer.
func post() {
	if err := postFile(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "post:", err)
		os.Exit(1)
	}
}

// postPatience is how long an agent that just starts has to listen.
const postPatience = 30 * time.Second

func postFile(name, url string) error {
	deadline := time.Now().Add(postPatience)
	for {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		answer, err := http.Post(url, "application/json", file)
		file.Close()
		if err == nil {
			return printAnswer(answer)
		}
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func printAnswer(answer *http.Response) error {
	defer answer.Body.Close()
	fmt.Println(answer.Status)
	_, err := io.Copy(os.Stdout, answer.Body)
	return err
}
