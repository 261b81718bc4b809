using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OpenEmbedding.Serving.Tests;

/// <summary>The page at <c>/</c> in Chromium, driven over the protocol of its developer tools.</summary>
[Trait("Kind", "Job")]
[Collection(nameof(TrainedModel))]
public sealed class PageTests(TrainedModel model) : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-serve-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [BrowserFact]
    public async Task Shows_models_and_predicts_a_row()
    {
        model.CopyTo(Path.Combine(_folder, "models", "1"));
        Directory.CreateDirectory(Path.Combine(_folder, "models", "2"));
        await using Server server = await Server.Start(
            new ServeCommandLine().Parse(["--model", $"criteo={Path.Combine(_folder, "models")}", "--rest-port", "0", "--poll-seconds", "3600"])!, _ => { });
        string[] flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
        using Process browser = Process.Start(new ProcessStartInfo(
            BrowserFactAttribute.Browser, [.. flags, "--window-size=1200,1500", "--remote-debugging-port=0", $"--user-data-dir={Path.Combine(_folder, "profile")}", server.Address])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            using ClientWebSocket page = await Attach(browser);
            await WaitFor(page, "document.querySelector('[data-model=criteo] .features input')");
            string[] shown = [.. (await Evaluate(page, "[...document.querySelectorAll('[data-model=criteo] tbody tr')].map(row => row.innerText.split('\\t').slice(0, 2).join(' '))"))!.AsArray().Select(row => (string)row!)];
            Assert.Equal(["2 refused", "1 available"], shown);

            string[] fields = model.Lines[3];
            string row = JsonSerializer.Serialize(RequestRows.Columns().ToDictionary(column => column.Name, column => $"{RequestRows.Number(column, fields)}"));
            await Evaluate(page, $"for (const [name, value] of Object.entries({row})) document.querySelector(`[data-model=criteo] [name=${{name}}]`).value = value;"
                + "document.querySelector('[data-model=criteo] form button').click()");
            string answer = (string)(await Evaluate(page, Until("/ in .* ms$/.test(document.querySelector('output').textContent) && document.querySelector('output').textContent")))!;
            Assert.Equal(model.Probabilities[3], double.Parse(answer.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture), 1e-6);
            await Evaluate(page, Until("document.querySelector('[data-of=requests]').textContent === '1' && Number(document.querySelector('[data-of=p99]').textContent) > 0"));

            // An integer that does not fit is the server's to refuse, in its words.
            await Evaluate(page, "document.querySelector('[name=C1]').value = '9223372036854775808'; document.querySelector('form:not(#key) button').click()");
            Assert.Equal(
                "feature \"C1\", row 0: 9223372036854775808 is not one number of type int64",
                (string?)await Evaluate(page, Until("document.querySelector('output.bad') && document.querySelector('output').textContent")));
            if (Environment.GetEnvironmentVariable("OE_SERVE_SCREENSHOT") is { Length: > 0 } file)
            {
                JsonNode picture = await Call(page, "Page.captureScreenshot", new JsonObject());
                await File.WriteAllBytesAsync(file, Convert.FromBase64String((string)picture["data"]!));
            }
        }
        finally
        {
            browser.Kill(entireProcessTree: true);
            await browser.WaitForExitAsync();
        }
    }

    private static async Task<ClientWebSocket> Attach(Process browser)
    {
        const string before = "DevTools listening on ";
        string? line;
        do
        {
            line = await browser.StandardError.ReadLineAsync().WaitAsync(_limit);
            Assert.NotNull(line);
        }
        while (!line.StartsWith(before, StringComparison.Ordinal));

        using var client = new HttpClient();
        JsonArray targets = JsonNode.Parse(await client.GetStringAsync($"http://{new Uri(line[before.Length..]).Authority}/json/list"))!.AsArray();
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri((string)targets.First(target => (string?)target!["type"] == "page")!["webSocketDebuggerUrl"]!), CancellationToken.None).WaitAsync(_limit);
        return socket;
    }

    // A promise of the expression's value as soon as it is true.
    private static string Until(string expression) =>
        $"new Promise(done => {{ const look = () => {{ const value = {expression}; if (value) done(typeof value === 'string' ? value : true); else setTimeout(look, 20); }}; look(); }})";

    /// <summary>Waits for what the page shows first; until then the browser may be on its way to it, which ends what is evaluated.</summary>
    private static async Task WaitFor(ClientWebSocket page, string expression)
    {
        while (true)
        {
            try
            {
                await Evaluate(page, Until(expression));
                return;
            }
            catch (InvalidOperationException e) when (e.Message.Contains("context was destroyed", StringComparison.Ordinal))
            {
            }
        }
    }

    private static async Task<JsonNode?> Evaluate(ClientWebSocket page, string expression)
    {
        JsonNode answer = await Call(page, "Runtime.evaluate", new JsonObject { ["expression"] = expression, ["awaitPromise"] = true, ["returnByValue"] = true });
        Assert.True(answer["exceptionDetails"] is null, $"{expression}: {answer}");
        return answer["result"]!["value"];
    }

    private static async Task<JsonNode> Call(ClientWebSocket page, string method, JsonObject parameters)
    {
        byte[] call = JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["id"] = 1, ["method"] = method, ["params"] = parameters });
        await page.SendAsync(call, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None).WaitAsync(_limit);
        using var answer = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        ValueWebSocketReceiveResult part;
        do
        {
            part = await page.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask().WaitAsync(_limit);
            answer.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);

        return JsonNode.Parse(answer.ToArray())!["result"] ?? throw new InvalidOperationException($"{method}: {JsonNode.Parse(answer.ToArray())}");
    }
}

/// <summary>A test that needs Chromium, and is left out where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute()
    {
        if (!File.Exists(Browser))
        {
            Skip = $"there is no {Browser}; scripts/test.sh installs it as root";
        }
    }

    public static string Browser => "/usr/bin/chromium";
}
