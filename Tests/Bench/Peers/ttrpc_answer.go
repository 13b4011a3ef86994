// What containerd's own ttrpc library takes for a call that does nothing: `serve SOCKET` answers Ingest at once, until its input ends;
// `call SOCKET COUNT` reads the text of a message from its input, hands it over so many times, one after the other, and prints the median of
// what a call took, in microseconds.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strconv"
	"time"

	"github.com/containerd/ttrpc"

	messageexport "messageexport/v1"
)

type service struct {
	messageexport.IngestionServiceService
}

func (service) Ingest(ctx context.Context, request *messageexport.IngestRequest) (*messageexport.IngestResponse, error) {
	response := &messageexport.IngestResponse{}
	for range request.Messages {
		response.Results = append(response.Results, &messageexport.IngestResult{Outcome: messageexport.Outcome_OUTCOME_EXPORT_DISABLED})
	}
	return response, nil
}

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		err = serve(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "call":
		err = call(os.Args[2], os.Args[3])
	default:
		err = fmt.Errorf("usage: ttrpc_answer serve SOCKET | call SOCKET COUNT")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ttrpc_answer:", err)
		os.Exit(1)
	}
}

func serve(socket string) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server, err := ttrpc.NewServer()
	if err != nil {
		return err
	}
	messageexport.RegisterIngestionServiceService(server, service{})
	go server.Serve(context.Background(), listener)
	fmt.Println(1)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func call(socket, count string) error {
	number, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	client := ttrpc.NewClient(conn)
	defer client.Close()
	ingestion := messageexport.NewIngestionServiceClient(client)
	times := make([]time.Duration, 0, number)
	for index := -100; index < number; index++ {
		request := &messageexport.IngestRequest{Messages: []*messageexport.Message{{
			MessageId:     fmt.Sprintf("m%d", index),
			Configuration: "dropped",
			Content: &messageexport.Message_Sms{Sms: &messageexport.Sms{
				SenderNumbers: []string{"24365"}, RecipientNumber: "+15550101", Text: string(text),
			}},
		}}}
		start := time.Now()
		response, err := ingestion.Ingest(context.Background(), request)
		taken := time.Since(start)
		if err != nil {
			return err
		}
		if len(response.Results) != 1 || response.Results[0].Outcome != messageexport.Outcome_OUTCOME_EXPORT_DISABLED {
			return fmt.Errorf("an answer of another kind")
		}
		if index >= 0 {
			times = append(times, taken)
		}
	}
	sort.Slice(times, func(left, right int) bool { return times[left] < times[right] })
	fmt.Printf("%.1f\n", float64(times[number/2].Nanoseconds())/1000)
	return nil
}
