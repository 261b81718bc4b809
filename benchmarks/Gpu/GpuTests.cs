using System.Reflection;
using OpenEmbedding.Collectives.Tests.Devices;

namespace OpenEmbedding.Benchmarks.Gpu;

/// <summary>Runs the tests that need a GPU.</summary>
internal static class GpuTests
{
    /// <summary>Runs every test marked with <see cref="GpuFactAttribute"/>.</summary>
    /// <param name="say">Takes a line for each.</param>
    /// <returns>Whether all passed.</returns>
    public static bool Run(Action<string> say)
    {
        bool passed = true;
        foreach (MethodInfo test in typeof(GpuTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttribute<GpuFactAttribute>() is not null))
        {
            string? problem = ProblemOf(test);
            say($"{(problem is null ? "pass" : "FAIL")} {test.DeclaringType!.Name}.{test.Name}{(problem is null ? "" : ": " + problem)}");
            passed &= problem is null;
        }

        return passed;
    }

    private static string? ProblemOf(MethodInfo test)
    {
        try
        {
            object instance = Activator.CreateInstance(test.DeclaringType!)!;
            using var disposable = instance as IDisposable;
            test.Invoke(instance, null);
            return null;
        }
        catch (TargetInvocationException failure)
        {
            return failure.InnerException!.Message.ReplaceLineEndings(" ");
        }
    }
}
