using System.Diagnostics;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>The report of a real job, drawn by a real browser.</summary>
[Trait("Kind", "Job")]
public sealed class ReportInBrowserTests : IDisposable
{
    private const string Chromium = "/usr/bin/chromium";
    private readonly OeTrain _train = new();

    public void Dispose() => _train.Dispose();

    [ChromiumFact]
    public void ChromiumDrawsIt()
    {
        string report = _train.In("report.html");
        MpiJobResult result = OeTrain.Run(
            2, "--data.train", _train.WriteRows("rows.txt", 400), "--data.test", _train.WriteRows("test.txt", 101, seed: 2), "--train.batch_size", "20", "--output.curve_every", "2", "--report", report);
        Assert.True(result.ExitCode == 0, result.ToString());

        string page = Draw("--dump-dom", report);
        Draw("--screenshot=" + _train.In("page.png"), report);

        Assert.Equal(4, Regex.Count(page, "<svg "));
        Assert.InRange(Regex.Count(page, "<circle "), 20, 500);
        Assert.InRange(new FileInfo(_train.In("page.png")).Length, 20_000, long.MaxValue);
    }

    private string Draw(string what, string report)
    {
        string[] arguments =
        [
            "60", Chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--user-data-dir=" + _train.In("profile"), "--window-size=1240,1900", what, "file://" + report,
        ];
        using var browser = Process.Start(new ProcessStartInfo("timeout", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = browser.StandardError.ReadToEndAsync();
        string page = browser.StandardOutput.ReadToEnd();
        browser.WaitForExit();
        Assert.True(browser.ExitCode == 0, errors.Result);
        return page;
    }

    /// <summary>A test that needs Chromium.</summary>
    private sealed class ChromiumFactAttribute : FactAttribute
    {
        public ChromiumFactAttribute()
        {
            Skip = File.Exists(Chromium) ? null : $"there is no {Chromium} (Debian's package chromium)";
        }
    }
}
