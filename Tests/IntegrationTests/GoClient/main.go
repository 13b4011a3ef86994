// A client written in Go on containerd's own ttrpc library: what it is given by the protocol files alone, it can talk to the daemon with.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/containerd/ttrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	health "grpc/health/v1"
	messageexport "messageexport/v1"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: client SOCKET")
		os.Exit(64)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

func run(socket string) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	client := ttrpc.NewClient(conn)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	checked, err := health.NewHealthClient(client).Check(ctx, &health.HealthCheckRequest{})
	if err != nil {
		return fmt.Errorf("Check: %w", err)
	}
	fmt.Println("health", checked.Status)

	for _, configuration := range []string{"sms", "sms", "unknown"} {
		result, err := ingest(ctx, client, configuration)
		if err != nil {
			return fmt.Errorf("Ingest: %w", err)
		}
		if result.Error != nil {
			fmt.Println("ingest", codes.Code(result.Error.Code))
		} else {
			fmt.Println("ingest", strings.TrimPrefix(result.Outcome.String(), "OUTCOME_"))
		}
	}

	err = client.Call(ctx, "messageexport.v1.IngestionService", "NoSuchMethod", &health.HealthCheckRequest{}, &health.HealthCheckResponse{})
	fmt.Println("unknown method", status.Code(err))
	return nil
}

func ingest(ctx context.Context, client *ttrpc.Client, configuration string) (*messageexport.IngestResult, error) {
	response, err := messageexport.NewIngestionServiceClient(client).Ingest(ctx, &messageexport.IngestRequest{
		Sandbox: "prod",
		Messages: []*messageexport.Message{{
			MessageId:     "from-go",
			Configuration: configuration,
			Content: &messageexport.Message_Sms{Sms: &messageexport.Sms{
				SenderNumbers:   []string{"+15550100"},
				RecipientNumber: "+15550101",
				Text:            "See you at 9",
			}},
		}},
	})
	if err != nil {
		return nil, err
	}
	if len(response.Results) != 1 {
		return nil, fmt.Errorf("%d results for one message", len(response.Results))
	}
	return response.Results[0], nil
}
