using CsCheck;
using OpenEmbedding.Trainer.Tuning;

namespace OpenEmbedding.Trainer.Tests.Tuning;

/// <summary>The search on made-up speeds, of which the best place is known.</summary>
public sealed class SettingSearchTests
{
    private static readonly int[] _sizes = [4, 3, 3];
    private static readonly int[] _start = [2, 1, 0];

    /// <summary>A factor for each value of each coordinate.</summary>
    private static readonly Gen<double[][]> _factors =
        Gen.Select(Gen.Double[0.5, 2].Array[4], Gen.Double[0.5, 2].Array[3], Gen.Double[0.5, 2].Array[3], (a, b, c) => new[] { a, b, c });

    [Fact]
    public void Without_noise_it_finds_the_best_place()
    {
        _factors.Sample(factors =>
        {
            SettingSearch search = Run(place => Speed(factors, place), _sizes, _start, maxSamples: 1000);

            // Several places may be the fastest, or differ by less than a logarithm tells.
            Assert.All(factors.Zip(search.Best), at => Assert.InRange(at.First[at.Second], at.First.Max() * (1 - 1e-12), at.First.Max()));
        });
    }

    [Fact]
    public void It_never_takes_more_samples_than_allowed_and_never_ends_slower_than_it_began()
    {
        Gen.Select(_factors, Gen.Int[0, 200]).Sample((factors, maxSamples) =>
        {
            SettingSearch search = Run(place => Speed(factors, place), _sizes, _start, maxSamples);

            Assert.True(search.SamplesTaken <= maxSamples, $"{search.SamplesTaken} samples of at most {maxSamples}");
            Assert.True(Speed(factors, search.Best) >= Speed(factors, _start));
        });
    }

    /// <summary>A gain three times the noise is found, whatever else the machine does meanwhile.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    public void With_noise_and_drift_it_finds_what_is_clearly_better(double drift)
    {
        double[][] factors = [[1, 1, 1, 1], [1.15, 1, 0.9], [1, 0.99, 1.01]];
        int found = Enumerable.Range(0, 200).Count(seed => Noisy(factors, seed, noise: 0.03, drift).Best[1] == 0);
        Assert.InRange(found, 160, 200);
    }

    [Fact]
    public void With_noise_alone_it_ends_no_slower_than_it_began_but_for_little()
    {
        double[][] factors = [[0.98, 0.99, 1, 0.99], [0.95, 1, 0.98], [1, 0.99, 0.98]];
        double[] ends = [.. Enumerable.Range(0, 200).Select(seed => Speed(factors, Noisy(factors, seed, noise: 0.03, drift: 0).Best))];
        Assert.InRange(ends.Count(end => end < 1), 0, 20);
        Assert.InRange(ends.Min(), 0.94, 1);
    }

    /// <summary>The last trial holds the result against the start: a place that only seemed faster goes.</summary>
    [Fact]
    public void A_result_that_is_not_faster_again_gives_way_to_the_start()
    {
        int samples = 0;
        SettingSearch search = Run(place => place[0] == 1 && ++samples <= 3 ? 2 : 1, [2], [0], maxSamples: 40);

        Assert.NotNull(search.Check);
        Assert.Equal([0], search.Best);
    }

    [Fact]
    public void Coordinates_of_one_value_stay_and_alone_are_no_search()
    {
        SettingSearch search = Run(place => place[1] + 1, [1, 3], [0, 0], maxSamples: 40);
        Assert.Equal([0, 2], search.Best);

        SettingSearch nothing = new([1, 1], [0, 0], maxSamples: 40);
        Assert.True(nothing.IsOver);
        Assert.Equal([0, 0], nothing.Current);
    }

    [Fact]
    public void The_best_so_far_and_a_challenger_take_turns()
    {
        SettingSearch search = new([2], [0], maxSamples: 40);
        var places = new List<int>();
        while (!search.IsOver)
        {
            places.Add(search.Current[0]);
            search.Report(1 + search.Current[0]);
        }

        // A trial that the challenger wins, one that the old value loses at once, and the result against the start.
        Assert.Equal([0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1], places);
        Assert.Equal((1, 2), (search.Check!.StandingSpeed, search.Check.ChallengingSpeed));
    }

    private static double Speed(double[][] factors, IReadOnlyList<int> place) =>
        factors.Select((values, coordinate) => values[place[coordinate]]).Aggregate(1.0, (product, factor) => product * factor);

    private static SettingSearch Noisy(double[][] factors, int seed, double noise, double drift)
    {
        var random = new Random(seed);
        int samples = 0;
        return Run(
            place => Speed(factors, place) * (1 - (drift * samples++ / 60)) * Math.Exp(noise * Normal(random)), _sizes, _start, maxSamples: 60);
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static SettingSearch Run(Func<IReadOnlyList<int>, double> speed, int[] sizes, int[] start, int maxSamples)
    {
        var search = new SettingSearch(sizes, start, maxSamples);
        while (!search.IsOver)
        {
            search.Report(speed(search.Current));
        }

        return search;
    }
}
