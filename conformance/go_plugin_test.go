package conformance

import (
	"context"
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// The services that go-plugin itself expects. Their messages are go-plugin's own and not to be imported; an empty message
// reads the same whatever its type is.

var inBothDirections = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

func TestThePingOfGoPluginIsAnswered(t *testing.T) {
	must(t, launch(t).protocol.Ping())
}

func TestTheServiceNamedPluginIsServing(t *testing.T) {
	health := grpc_health_v1.NewHealthClient(launch(t).connection())
	asked := &grpc_health_v1.HealthCheckRequest{Service: "plugin"}
	checked, err := health.Check(within(t), asked)
	must(t, err)
	equal(t, "the status", checked.Status, grpc_health_v1.HealthCheckResponse_SERVING)
	watch, err := health.Watch(within(t), asked)
	must(t, err)
	watched, err := watch.Recv()
	must(t, err)
	equal(t, "the watched status", watched.Status, grpc_health_v1.HealthCheckResponse_SERVING)
}

func TestAServiceWithoutAHealthIsNotFound(t *testing.T) {
	health := grpc_health_v1.NewHealthClient(launch(t).connection())
	_, err := health.Check(within(t), &grpc_health_v1.HealthCheckRequest{Service: "nobody"})
	equal(t, "the status", status.Code(err), codes.NotFound)
}

func TestTheBrokerListensUntilTheClientLeaves(t *testing.T) {
	p := launch(t)
	stream, err := p.connection().NewStream(within(t), inBothDirections, "/plugin.GRPCBroker/StartStream")
	must(t, err)
	for range 100 {
		must(t, stream.SendMsg(&emptypb.Empty{}))
	}
	must(t, stream.CloseSend())
	if err := stream.RecvMsg(&emptypb.Empty{}); !errors.Is(err, io.EOF) {
		t.Errorf("the broker ended with %v", err)
	}
}

func TestTheStreamOfPrintedTextStaysOpenAndEmpty(t *testing.T) {
	p := launch(t)
	ctx, cancel := context.WithCancel(within(t))
	stream, err := p.connection().NewStream(ctx, inBothDirections, "/plugin.GRPCStdio/StreamStdio")
	must(t, err)
	must(t, stream.SendMsg(&emptypb.Empty{}))
	must(t, stream.CloseSend())
	// The header says that the plugin took the call. A stream that had ended would end with another error than this.
	_, err = stream.Header()
	must(t, err)
	must(t, p.protocol.Ping())
	cancel()
	equal(t, "the end", status.Code(stream.RecvMsg(&emptypb.Empty{})), codes.Canceled)
}

func TestTheControllerAnswersAndThePluginEnds(t *testing.T) {
	p := launch(t)
	err := p.connection().Invoke(within(t), "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	must(t, err)
	equal(t, "the exit code", p.exited(t), 0)
}

// servicesOfGrafana are those that reflection must show.
var servicesOfGrafana = []string{
	"pluginv2.Data", "pluginv2.Diagnostics", "pluginv2.Resource", "pluginv2.Stream", "pluginv2.AdmissionControl",
	"pluginv2.ResourceConversion", "plugin.GRPCController", "plugin.GRPCBroker", "plugin.GRPCStdio",
	"grpc.health.v1.Health",
}

func TestReflectionListsAllServices(t *testing.T) {
	stream, err := grpc_reflection_v1.NewServerReflectionClient(launch(t).connection()).ServerReflectionInfo(within(t))
	must(t, err)
	// Why a stream ended is what receiving says.
	_ = stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
	})
	answer, err := stream.Recv()
	must(t, err)
	listed := map[string]bool{}
	for _, service := range answer.GetListServicesResponse().GetService() {
		listed[service.Name] = true
	}
	for _, service := range servicesOfGrafana {
		equal(t, "whether "+service+" is listed", listed[service], true)
	}
}

func TestReflectionOfTheOldVersionListsServicesToo(t *testing.T) {
	//lint:ignore SA1019 Grafana's SDK registers the old version beside the new one.
	stream, err := grpc_reflection_v1alpha.NewServerReflectionClient(launch(t).connection()).ServerReflectionInfo(within(t))
	must(t, err)
	_ = stream.Send(&grpc_reflection_v1alpha.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1alpha.ServerReflectionRequest_ListServices{},
	})
	answer, err := stream.Recv()
	must(t, err)
	if len(answer.GetListServicesResponse().GetService()) < len(servicesOfGrafana) {
		t.Errorf("it lists %v", answer)
	}
}
