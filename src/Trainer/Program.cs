using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.CommandLine;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Data.Writing;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer;

internal static class Program
{
    public static int Main(string[] args)
    {
        TrainerArguments arguments;
        try
        {
            arguments = TrainerCommandLine.Parse(args);
        }
        catch (OpenEmbeddingException failure)
        {
            // Under mpirun every rank comes here; as a failed start only one of them prints.
            return TrainCommand.Run(() => throw failure);
        }

        switch (arguments)
        {
            case PrintArguments print:
                Console.Write(print.Text);
                return JobExitCode.Success;
            case GenerateArguments generate:
                return Run(() => Generate(generate));
            case InspectArguments inspect:
                return Run(() => Inspect(JobOptions.Read(inspect.ConfigPath, inspect.Overrides).Data));
            case ConvertArguments convert:
                return Run(() => Console.Write(DataPreparation.Convert(JobOptions.Read(convert.ConfigPath, convert.Overrides).Data, convert.Out)));
            case PreprocessArguments preprocess:
                return Run(() => Preprocess(preprocess));
            default:
                var train = (TrainArguments)arguments;
                return TrainCommand.Run(() => JobOptions.Read(train.ConfigPath, train.Overrides));
        }
    }

    private static void Generate(GenerateArguments arguments)
    {
        ZipfCategories? categories = arguments.Vocabulary is { } ids ? new ZipfCategories(ids, arguments.Zipf) : null;
        double best = new CriteoGenerator(arguments.Seed, arguments.Format, categories).WriteFile(arguments.Out, arguments.Rows);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{arguments.Out}: {arguments.Rows:N0} rows; the AUC of the model that drew the labels: {best:F5}"));
        if (categories is not null)
        {
            Console.WriteLine($"--data.vocabulary {string.Join(',', categories.Vocabulary)}");
        }
    }

    private static void Preprocess(PreprocessArguments arguments)
    {
        DataOptions data = JobOptions.Read(arguments.ConfigPath, arguments.Overrides).Data;
        if ((data.Test is null) != (arguments.TestOut is null))
        {
            throw new OpenEmbeddingException(
                $"preprocess: {(data.Test is null ? "--test-out needs data.test" : "data.test needs --test-out, the file to write its rows to")}", JobExitCode.Configuration);
        }

        Console.Write(DataPreparation.Preprocess(data, arguments.Out, arguments.TestOut, arguments.Fewest));
    }

    private static void Inspect(DataOptions data)
    {
        Console.Write($"data.train: {DataInspection.Read(data, data.Train)}");
        if (data.Test is { } test)
        {
            Console.Write($"\ndata.test: {DataInspection.Read(data, test)}");
        }
    }

    /// <summary>Does what needs no other ranks.</summary>
    private static int Run(Action action)
    {
        try
        {
            action();
            return JobExitCode.Success;
        }
        catch (Exception failure) when (failure is OpenEmbeddingException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"oe-train: {RankFailure.Describe(failure)}");
            return RankFailure.ExitCodeOf(failure);
        }
    }
}
