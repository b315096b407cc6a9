using System.Net.Sockets;
using System.Text;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.EndToEnd.Tests;
using FlEvents.Learning.Safetensors;
using FlEvents.Limits.Tests.Http;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;

namespace FlEvents.Limits.Tests.Aggregation;

/// <summary>Uploads by those who may, which is no reason to trust them; and by those whose line is slow.</summary>
public sealed class UploadLimitTests(RabbitMqBroker broker, ITestOutputHelper output)
{
    private const long MiB = 1 << 20;
    private const string Grace = "3";

    // Only what nobody ends takes as long.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>A model of 4 MB, more than a connection holds on its way.</summary>
    private static readonly RunSpec Spec = new()
    {
        Name = "uploads",
        Rounds = 1,
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [400_000], Outputs = 10 },
        Data = new DataSpec { DataSet = "plants" },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 4 },
    };

    [Fact]
    public async Task Two_hundred_slow_connections_keep_no_upload_from_coming_in_and_cost_little_memory()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var aggregator = await StartAsync(host);
        var slow = Enumerable.Range(0, 100).Select(i => $"slow-{i}").ToList();
        await aggregator.OpenAsync(["anna", "ben", .. slow]);
        await SubmitAsync(aggregator, "anna");

        using var enough = new CancellationTokenSource();
        var memory = new ResidentMemory(aggregator.ProcessId, () => 0);
        await using (memory)
        {
            var held = slow.SelectMany(client => new[]
            {
                HoldAsync(aggregator, Attack.SlowBody, "PUT", $"/updates/{aggregator.Reservation(client)}", Authorization(client), enough.Token),
                HoldAsync(aggregator, Attack.SlowHeaders, "GET", "/alive", "", enough.Token),
            }).ToList();
            await Eventually.HoldsAsync("all slow uploads have begun", () => Directory.EnumerateFiles(Path.Combine(aggregator.Folder, "updates", "partial")).Count() >= slow.Count);
            await SubmitAsync(aggregator, "ben");
            Assert.Equal("Healthy", await aggregator.Http.GetStringAsync(new Uri("alive", UriKind.Relative), TestContext.Current.CancellationToken));
            await enough.CancelAsync();
            await Task.WhenAll(held);
        }

        output.WriteLine($"200 slow connections: {(memory.Peak(0, 1) - memory.Start) / MiB} MiB more memory.");
        Assert.InRange(memory.Peak(0, 1) - memory.Start, long.MinValue, 64 * MiB);
    }

    [Fact]
    public async Task An_upload_a_byte_at_a_time_is_ended_with_408_one_without_end_at_its_announced_length_and_both_can_be_made_good()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var aggregator = await StartAsync(host);
        await aggregator.OpenAsync(["anna", "ben", "carl"]);
        await SubmitAsync(aggregator, "carl");

        using var late = new CancellationTokenSource(Longest);
        string PathOf(string client) => $"/updates/{aggregator.Reservation(client)}";
        var slow = Attacks.RunAsync(aggregator.Url, Attack.SlowBody, "PUT", PathOf("anna"), Authorization("anna"), late.Token);
        var endless = Attacks.RunAsync(aggregator.Url, Attack.EndlessBody, "PUT", PathOf("ben"), Authorization("ben") + "Content-Range: bytes 0-299999/300000\r\n", late.Token);
        var huge = Attacks.RunAsync(aggregator.Url, Attack.HugeBody, "PUT", PathOf("ben"), Authorization("ben"), late.Token);
        Assert.Equal((408, 413), ((await slow).Status, (await huge).Status));
        Assert.True((await endless).Status is 413 or null, $"{await endless}");
        Assert.All(Directory.EnumerateFiles(Path.Combine(aggregator.Folder, "updates", "partial")), file => Assert.InRange(new FileInfo(file).Length, 0, 300_000));
        await SubmitAsync(aggregator, "anna");
        await SubmitAsync(aggregator, "ben");
    }

    [Fact]
    public async Task Who_takes_a_model_too_slowly_is_cut_off()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var aggregator = await StartAsync(host, ("Limits__BytesPerSecond", "1000000"));
        using var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync(aggregator.Url.Host, aggregator.Url.Port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /models/{aggregator.BaseModel.Sha256} HTTP/1.1\r\nHost: localhost\r\n\r\n"), TestContext.Current.CancellationToken);

        // Nothing is taken until the other side has no such connection any more.
        await Eventually.HoldsAsync("the connection is ended", () => IsEnded(client));
    }

    [Fact]
    public async Task An_upload_that_breaks_goes_on_where_it_broke_when_it_is_tried_again()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var aggregator = await StartAsync(host);
        await aggregator.OpenAsync(["anna"]);
        var bytes = Update(aggregator);
        var update = aggregator.Submission("anna", bytes, 1).Update;

        // A line that drops every connection after 6 MB: longer than it takes to notice, shorter than the update.
        using var breaking = new BreakingHandler(6_000_000);
        using var http = new HttpClient(breaking) { BaseAddress = aggregator.Url, Timeout = Longest };
        var sink = new HttpUpdateSink(http, pieceBytes: 1 << 30);
        var attempts = 0;
        await Eventually.HoldsAsync("the update is stored", async () =>
        {
            try
            {
                attempts++;
                await sink.SubmitAsync(aggregator.Reservation("anna"), AggregatorProcess.Token("anna"), update, bytes, signature: null, TestContext.Current.CancellationToken);
                return true;
            }
            catch (HttpRequestException)
            {
                return attempts > 10 ? throw new InvalidOperationException("It never gets on.") : false;
            }
        });
        output.WriteLine($"{bytes.Length} bytes in {attempts} attempts of at most 6000000: offsets {string.Join(", ", breaking.Offsets)}.");
        Assert.Equal(breaking.Offsets.Order(), breaking.Offsets);
        Assert.True(attempts >= 3 && breaking.Offsets[^1] > 0, "It was not broken, or began anew.");
    }

    [Fact]
    public async Task An_upload_that_is_turned_away_is_told_so_however_large_it_is()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var aggregator = await StartAsync(host);
        await aggregator.OpenAsync(["anna"]);
        var bytes = Update(aggregator);
        using var content = new ByteArrayContent(bytes);
        using var request = new HttpRequestMessage(HttpMethod.Put, $"updates/{aggregator.Reservation("anna")}") { Content = content };
        request.Headers.Add("Lease-Token", "1.another");
        using var answer = await aggregator.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(403, (int)answer.StatusCode);

        using var http = new HttpClient { BaseAddress = aggregator.Url, Timeout = Longest };
        await Assert.ThrowsAsync<UploadRefusedException>(() => new HttpUpdateSink(http).SubmitAsync(
            aggregator.Reservation("anna"), "1.another", aggregator.Submission("anna", bytes, 1).Update, bytes, signature: null, TestContext.Current.CancellationToken));
    }

    private static Task<AggregatorProcess> StartAsync(VirtualHost host, params (string Key, string Value)[] settings) =>
        AggregatorProcess.StartAsync(host, Spec, [("Limits__GraceSeconds", Grace), ("Limits__HeaderSeconds", Grace), .. settings]);

    private static byte[] Update(AggregatorProcess aggregator) => SafetensorsWriter.Write(aggregator.Model.Layout, new float[aggregator.Model.ParameterCount]);

    private static async Task SubmitAsync(AggregatorProcess aggregator, string client)
    {
        var bytes = Update(aggregator);
        await aggregator.UploadAsync(client, bytes);
        await aggregator.PublishAsync(aggregator.Submission(client, bytes, examples: 1));
        Assert.Equal(client, (await aggregator.NextAsync<UpdateAdmitted>()).ClientId);
    }

    private static string Authorization(string client) => $"Lease-Token: {AggregatorProcess.Token(client)}\r\n";

    /// <summary>Comes back each time it is cut off.</summary>
    private static async Task HoldAsync(AggregatorProcess aggregator, Attack attack, string method, string path, string headers, CancellationToken enough)
    {
        try
        {
            while (!enough.IsCancellationRequested)
            {
                await Attacks.RunAsync(aggregator.Url, attack, method, path, headers, enough);
            }
        }
        catch (OperationCanceledException) when (enough.IsCancellationRequested)
        {
            // It was only to be there.
        }
    }

    /// <summary>Whether the other side has ended the connection, as the kernel knows without a byte being taken.</summary>
    private static bool IsEnded(TcpClient client)
    {
        var local = $":{((System.Net.IPEndPoint)client.Client.LocalEndPoint!).Port:X4}";
        const string Established = "01";
        return !File.ReadLines("/proc/net/tcp").Concat(File.ReadLines("/proc/net/tcp6")).Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Any(fields => fields[1].EndsWith(local, StringComparison.Ordinal) && fields[3] == Established);
    }

    /// <summary>A line that breaks in the middle of a long body.</summary>
    private sealed class BreakingHandler(int mostBytes) : DelegatingHandler(new SocketsHttpHandler())
    {
        /// <summary>Where each body that was sent began.</summary>
        public List<long> Offsets { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Content is { } content)
            {
                Offsets.Add(content.Headers.ContentRange!.From!.Value);
                var broken = new BreakingContent(await content.ReadAsByteArrayAsync(cancellationToken), mostBytes);
                foreach (var header in content.Headers)
                {
                    broken.Headers.TryAddWithoutValidation(header.Key, header.Value);
                }

                request.Content = broken;
            }

            return await base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class BreakingContent(byte[] bytes, int mostBytes) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            await stream.WriteAsync(bytes.AsMemory(0, Math.Min(bytes.Length, mostBytes)));
            await stream.FlushAsync();
            if (bytes.Length > mostBytes)
            {
                throw new IOException("The line is broken.");
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return true;
        }
    }
}
